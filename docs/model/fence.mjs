/**
 * The fencing rule as a model that can be read in one sitting and run on its own: `node docs/model/fence.mjs`.
 *
 * Some writers work on one repository, a request at a time, in any order: whoever is passed over sleeps. The model goes
 * through every order (breadth first, so that what it finds is shortest) and looks after each step whether an index names
 * a pack that is gone, or a snapshot reaches a blob that no index leads to. It does so with the rule as it is, and with
 * each part of it switched off; then it must find damage.
 *
 * Who sends a request is known here. That is the other half of the work, and the larger one: test/simulation has it.
 */

/** Parts of the rule, by the numbers of the design. */
const parts = {
  'a lock before the look takes the view again, after it none does': 1,
  'a view lies before commits that are recorded and not yet published': 1,
  'a maintenance is refused once another writer has committed since its view': 3,
  'every deletion is checked, not only the first': 3,
  'who was overtaken by a deletion of another commits nothing': 4,
}
export const allParts = Object.keys(parts)
const [looksFixViews, viewsLieBefore, conflicts, everyDeletion, staleness] = allParts

/** What each kind of writer does, in restic's order. A step is [what, which]. */
const programs = {
  backup: ['open', 'lock', 'list', 'post pack', 'refresh', 'post index', 'post snapshot'],
  prune: [
    'open',
    'lock',
    'list',
    'list packs',
    'delete unnamed',
    'post index',
    'delete old',
    'delete garbage',
  ],
}

/** One pack in use, one that an index names and nothing uses; each pack holds the blob of its name. */
const start = (writers) => ({
  head: 0,
  packs: { used: 0, garbage: 0 },
  indexes: { first: ['used', 'garbage'] },
  snapshots: { first: ['used'] },
  /** Recorded, and not yet to be seen: [kind, name, content, position]. */
  unpublished: [],
  /** The last deletion and the last commit of each writer, as positions. */
  deletions: {},
  commits: {},
  writers: Object.fromEntries(
    Object.entries(writers).map(([name, kind]) => [name, { kind, at: 0, view: 0, before: 0 }]),
  ),
})

/** Rule 4. */
const isStale = (state, name, rule) =>
  rule.has(staleness) &&
  Object.entries(state.deletions).some(
    ([by, position]) => by !== name && position > state.writers[name].view,
  )

/** Rule 3. */
const hasConflict = (state, name, rule) =>
  rule.has(conflicts) &&
  (rule.has(everyDeletion) || state.deletions[name] === undefined) &&
  Object.entries(state.commits).some(
    ([by, position]) => by !== name && position > state.writers[name].before,
  )

/** Rule 1: for staleness the head, for conflicts the position before the oldest unpublished commit. */
const takeView = (state, writer, rule) => {
  const oldest = Math.min(
    state.head + 1,
    ...state.unpublished.map(([, , , position]) => position),
  )
  writer.view = state.head
  writer.before = rule.has(viewsLieBefore) ? oldest - 1 : state.head
}

const record = (state, name, kind, object, content) => {
  state.head += 1
  state.commits[name] = state.head
  state.unpublished.push([kind, object, content, state.head])
}

const remove = (state, name, kind, object) => {
  state.head += 1
  state.deletions[name] = state.head
  delete state[kind][object]
}

/** Takes one step of a writer; answers false where it is refused, and so ends. A refused pack deletion is passed over. */
const steps = {
  open: (state, name, rule) => takeView(state, state.writers[name], rule),
  lock: (state, name, rule) => takeView(state, state.writers[name], rule),
  refresh: (state, name, rule) => {
    if (!rule.has(looksFixViews)) takeView(state, state.writers[name], rule)
  },
  list: (state, name) => {
    const { indexes, snapshots } = state
    Object.assign(state.writers[name], structuredClone({ indexes, snapshots }))
  },
  'list packs': (state, name) => {
    state.writers[name].packs = Object.keys(state.packs)
  },
  'post pack': (state, name) => {
    state.packs[name] = 0
  },
  'post index': (state, name, rule) => {
    if (isStale(state, name, rule)) return false
    const { kind, indexes } = state.writers[name]
    const kept = Object.values(indexes)
      .flat()
      .filter((pack) => isUsed(state.writers[name], pack))
    record(state, name, 'indexes', name, kind === 'backup' ? [name] : kept)
  },
  /** It leans on all that it saw, as a backup does that finds its files unchanged. */
  'post snapshot': (state, name, rule) => {
    if (isStale(state, name, rule)) return false
    record(state, name, 'snapshots', name, [
      ...Object.values(state.writers[name].indexes).flat(),
      name,
    ])
  },
  'delete unnamed': (state, name, rule) => {
    const { packs, indexes } = state.writers[name]
    const named = Object.values(indexes).flat()
    for (const pack of packs.filter((one) => !named.includes(one))) {
      if (!isStale(state, name, rule) && !hasConflict(state, name, rule))
        remove(state, name, 'packs', pack)
    }
  },
  'delete old': (state, name, rule) => {
    for (const index of Object.keys(state.writers[name].indexes)) {
      if (isStale(state, name, rule) || hasConflict(state, name, rule)) return false
      remove(state, name, 'indexes', index)
    }
  },
  'delete garbage': (state, name, rule) => {
    const { indexes } = state.writers[name]
    for (const pack of Object.values(indexes).flat()) {
      if (isUsed(state.writers[name], pack)) continue
      if (isStale(state, name, rule) || hasConflict(state, name, rule)) continue
      remove(state, name, 'packs', pack)
    }
  },
}

const isUsed = ({ snapshots }, pack) => Object.values(snapshots).flat().includes(pack)

const damageOf = ({ packs, indexes, snapshots }) => {
  const named = Object.values(indexes).flat()
  const missing = named.find((pack) => packs[pack] === undefined)
  if (missing !== undefined) return `an index names the pack "${missing}", which is gone`
  const lost = Object.values(snapshots)
    .flat()
    .find((blob) => !named.includes(blob))
  return lost === undefined
    ? undefined
    : `a snapshot reaches the blob "${lost}", which no index leads to`
}

function* successors(state, rule) {
  for (const [name, writer] of Object.entries(state.writers)) {
    const step = programs[writer.kind][writer.at]
    const isWaiting = state.unpublished.some(([, object]) => object === name)
    // A client goes on when its answer has come, and that comes after publishing.
    if (step === undefined || isWaiting) continue
    const next = structuredClone(state)
    const isRefused = steps[step](next, name, rule) === false
    next.writers[name].at = isRefused ? Infinity : writer.at + 1
    yield [next, `${name}: ${step}${isRefused ? ' (refused)' : ''}`]
  }
  if (state.unpublished.length > 0) {
    const next = structuredClone(state)
    const [kind, object, content] = next.unpublished.shift()
    next[kind][object] = content
    yield [next, `the gateway publishes: ${kind}/${object}`]
  }
}

/** Breadth first through all states; answers the shortest history that ends in damage, if there is one. */
export const explore = (writers, rule) => {
  const first = start(writers)
  const known = new Set([JSON.stringify(first)])
  let layer = [[first, []]]
  while (layer.length > 0) {
    const following = []
    for (const [state, history] of layer) {
      for (const [next, what] of successors(state, rule)) {
        const key = JSON.stringify(next)
        if (known.has(key)) continue
        known.add(key)
        const damage = damageOf(next)
        if (damage !== undefined)
          return { states: known.size, damage, history: [...history, what] }
        following.push([next, [...history, what]])
      }
    }
    layer = following
  }
  return { states: known.size }
}

const worlds = [
  { sleeper: 'backup', cleaner: 'prune' },
  { one: 'prune', other: 'prune' },
  { early: 'backup', late: 'backup', cleaner: 'prune' },
]

const main = () => {
  let isRight = true
  for (const writers of worlds) {
    const { states, damage, history } = explore(writers, new Set(allParts))
    console.log(
      `${Object.values(writers).join(', ')}: ${states} states, ${damage ?? 'none damaged'}`,
    )
    if (damage !== undefined) console.log(history.join('\n'))
    isRight &&= damage === undefined
  }
  for (const part of allParts) {
    const rule = new Set(allParts.filter((one) => one !== part))
    const found = worlds.map((writers) => explore(writers, rule)).find(({ damage }) => damage)
    console.log(`\nWithout "${part}" (rule ${parts[part]}):`)
    console.log(
      found ? `  ${[...found.history, found.damage].join('\n  ')}` : '  no damage found',
    )
    isRight &&= found !== undefined
  }
  process.exitCode = isRight ? 0 : 1
}

if (import.meta.url === `file://${process.argv[1]}`) main()
