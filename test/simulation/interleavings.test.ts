/** All interleavings of two writers over the real core, judged by the model after every step. */
import test from 'ava'
import type { Channel } from '../../fencing/presence.js'
import { World, data, index, lock, snapshot } from '../fencing/world.js'
import { backup, prune, repairIndex, type Process, type Steps } from './clients.js'
import { Contents, damageOf } from './model.js'

interface Outcome {
  readonly order: string
  readonly damage: string | undefined
  readonly steps: readonly [number, number]
  readonly ends: readonly string[]
}

interface Setting {
  /** On one known channel each, or each request on a new one, as after a sleep or behind a proxy. */
  readonly channels: 'known' | 'new' | 'hidden' | 'tagged'
  readonly isLockRemoved: boolean
}

type Story = (process: Process) => Steps

/** A pack that a snapshot uses, and one that nothing uses any more but an index still names. */
async function startWorld(): Promise<{ world: World; contents: Contents }> {
  const contents = new Contents()
  contents.packs.set(data('used'), ['u'])
  contents.packs.set(data('garbage'), ['g'])
  contents.packs.set(data('orphan'), ['o'])
  contents.indexes.set(index('0'), [data('used'), data('garbage')])
  contents.snapshots.set(snapshot('0'), ['u'])
  const packs = [data('used'), data('garbage'), data('orphan')]
  const standing = [...packs, index('0'), snapshot('0')]
  return { world: await World.create({ standing }), contents }
}

async function play(
  stories: readonly [Story, Story],
  setting: Setting,
  order: string,
): Promise<Outcome> {
  const { world, contents } = await startWorld()
  const processes = ['a', 'b'].map((name) => {
    const own = world.channel({ isHidden: setting.channels === 'hidden' })
    let requests = 0
    const channel = (): Channel => {
      requests += 1
      // The opening and all up to the look come at once; what comes later may come on any channel.
      return setting.channels === 'new' && requests > 4 ? world.channel() : own
    }
    const tag = setting.channels === 'tagged' ? { tag: name } : {}
    return { world, contents, name, client: world.client(tag), channel }
  })
  const runs = processes.map((process, at) => stories[at]?.(process))
  const counts: [number, number] = [0, 0]
  const ends: string[] = ['', '']
  let damage: string | undefined
  const turns = order.split('').map(Number)
  for (const at of turns) {
    const run = runs[at]
    if (run === undefined || ends[at] !== '') continue
    const { done, value } = await run.next()
    counts[at === 0 ? 0 : 1] += 1
    if (done === true) ends[at] = value
    if (setting.isLockRemoved) world.disk.delete(lock('a'))
    damage ??= damageOf(contents, world.disk)
  }
  return { order, damage, steps: counts, ends }
}

/** Every order in which `first` steps of one and `second` steps of the other can be taken. */
function* orders(first: number, second: number): Generator<string> {
  if (first === 0 || second === 0) {
    yield '0'.repeat(first) + '1'.repeat(second)
    return
  }
  for (const rest of orders(first - 1, second)) yield `0${rest}`
  for (const rest of orders(first, second - 1)) yield `1${rest}`
}

const backupOfAll: Story = (process) => backup(process, ['u', 'g', `new ${process.name}`])
const pruneAll: Story = (process) => prune(process)
const repair: Story = (process) => repairIndex(process)

const pairs: readonly (readonly [string, readonly [Story, Story], number, number])[] = [
  ['a sleeper and a prune', [backupOfAll, pruneAll], 8, 10],
  ['two prunes', [pruneAll, pruneAll], 8, 8],
  ['a backup and a repair of the index', [backupOfAll, repair], 8, 8],
]

for (const [title, stories, first, second] of pairs) {
  for (const channels of ['known', 'new', 'hidden', 'tagged'] as const) {
    test(`no order of ${title} damages the repository (channels: ${channels})`, async (t) => {
      let played = 0
      let refused = 0
      for (const order of orders(first, second)) {
        const outcome = await play(
          stories,
          { channels, isLockRemoved: channels !== 'hidden' },
          order,
        )
        if (outcome.damage !== undefined) t.fail(`${order}: ${outcome.damage}`)
        played += 1
        if (outcome.ends.includes('stopped')) refused += 1
      }
      t.log(`${played} orders, ${refused} with somebody refused or put off`)
      t.true(played > 10_000)
      t.true(refused > 0, 'a check that never sees a refusal checks nothing')
    })
  }
}
