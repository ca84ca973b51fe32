/** `npm run rightful`: plays the set-ups of test/rightful/ with real restic, and prints what rightful runs had to bear. */
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { choose, readUsage } from './usage.mjs'

/** Most of a set-up's time is spent waiting; two processors bear no more than this. */
const PLAYED_AT_ONCE = 3

const usage = readUsage({
  name: 'rightful',
  does: `Plays ordinary days of restic 0.14, 0.18 and 0.19, mixed, without tags, behind the gateway and behind rest-server, and
prints how many runs heard a 503, how long the longest was put off, how many failed, and how many still live a minute
after their end. Takes about 25 minutes on an idle machine.`,
  options: {
    only: {
      kind: 'name',
      purpose: 'play the set-ups whose name contains it; several with commas',
    },
    rounds: { kind: 'count', purpose: 'so often as much work in each set-up', standard: 1 },
    patience: {
      kind: 'minutes',
      purpose: 'kill a run that ends no sooner; it has failed',
      standard: 18,
    },
    list: { purpose: 'print the set-ups and their limits, and play none' },
    alone: { purpose: 'play the gateway alone, without rest-server beside it' },
    webdav: { purpose: 'with an rclone between restic and the gateway; without rest-server' },
    mount: { purpose: 'each machine on a mount of its own; without rest-server' },
    json: { purpose: 'print the table as JSON to stdout, all else to stderr' },
    keyed: { purpose: "a gateway that has the repositories' password; not to be had yet" },
  },
  examples: [
    ['', 'every set-up'],
    [' -- --only six-short', 'one of a minute'],
    [' -- --only idle,restart --rounds 3', 'some of them, three times as much'],
  ],
  codes: {
    ok: 'each set-up kept its limits behind the gateway',
    no: 'a limit was missed, or packages, build or clients cannot be had',
  },
})
const flags = usage.values
if (flags.keyed) usage.refuse('--keyed cannot be had yet')

/** The table alone goes to stdout with --json. */
const say = flags.json ? console.error : console.log

const limitsText = ({ heard, putOffMaxMs, failed, living }) =>
  [
    heard === undefined ? 'any 503' : `${heard} hear a 503`,
    ...(putOffMaxMs === undefined ? [] : [`put off ${putOffMaxMs / 1000} s at most`]),
    {
      none: 'none fails',
      'none-but-0.14': 'none but 0.14 fails',
      'as-peer': 'fail as behind rest-server',
    }[failed],
    `${living} living a minute after`,
  ].join(', ')

const playOne = async ({ setUp, server }, { World, measure }) => {
  let close = async () => undefined
  try {
    const world = await World.open({ teardown: (end) => (close = end) })
    if (flags.webdav) world.speaks = 'webdav'
    const figures = await measure(setUp, world, server, flags)
    return { name: setUp.name, server, ...figures }
  } catch (error) {
    const none = {
      runs: 0,
      heard: 0,
      putOffMs: 0,
      failed: [],
      lockedOut: 0,
      living: 0,
      seconds: 0,
    }
    return { name: setUp.name, server, ...none, problems: [error.message] }
  } finally {
    await close()
  }
}

const secondsOf = (ms) => (ms === 0 ? '-' : `${(ms / 1000).toFixed(1)} s`)

const lineOf = ({ runs, heard, putOffMs, failed, lockedOut, living, seconds }) =>
  `${runs} runs, ${heard} heard a 503, put off ${secondsOf(putOffMs)}, ${failed.length} failed, ` +
  `${lockedOut} found a lock, ${living} living, took ${seconds} s`

/** Takes jobs from the list until none is left; several of these run side by side. */
const work = async (jobs, harness, results) => {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const result = await playOne(job, harness)
    results.push(result)
    say(`${result.name} (${result.server}): ${lineOf(result)}`)
    for (const sentence of new Set([...result.failed, ...result.problems]))
      say(`    ${sentence}`)
  }
}

const HEADS = [
  'set-up',
  'server',
  'runs',
  'heard a 503',
  'put off',
  'failed',
  'found a lock',
  'living',
  'missed',
]

const rowOf = (result) => [
  result.name,
  result.server,
  ...[result.runs, result.heard].map(String),
  secondsOf(result.putOffMs),
  ...[result.failed.length, result.lockedOut].map(String),
  result.server === 'gateway' ? String(result.living) : '-',
  result.server === 'gateway' ? result.missed.join('; ') || 'nothing' : '',
]

const printTable = (results) => {
  const rows = [HEADS, ...results.map(rowOf)]
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) => `| ${row.map((text, at) => text.padEnd(widths[at])).join(' | ')} |`
  console.log(line(HEADS))
  console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  for (const row of rows.slice(1)) console.log(line(row))
}

const judgeAll = (results, setUps, judge) =>
  setUps.flatMap((setUp) => {
    const of = (server) =>
      results.find((one) => one.name === setUp.name && one.server === server)
    const [own, peer] = [of('gateway'), of('rest-server')]
    return [
      { ...own, missed: judge(own, setUp.limits, peer) },
      ...(peer === undefined ? [] : [peer]),
    ]
  })

const main = async () => {
  if (!(await prepare(say))) return 1
  const from = (name) => import(`../dist/test/${name}.js`)
  const [{ setUps }, { measure }, { judge }, { World }] = await Promise.all(
    [
      'rightful/set-ups/all',
      'rightful/set-up',
      'rightful/judging',
      'end-to-end/harness/world',
    ].map(from),
  )
  const words = flags.only?.split(',') ?? []
  const chosen = choose(setUps, ({ name }) => name, { ...usage, words })
  if (flags.list) {
    for (const { name, what, limits } of chosen)
      console.log(`${name}: ${what}\n    ${limitsText(limits)}`)
    return 0
  }
  const names = ['restic-0.14', 'restic-0.18', 'restic-0.19', 'rest-server', 'rclone']
  const clients = await ensureClients(names, say)
  say(`Clients:\n  ${describeClients(clients).join('\n  ')}\n`)
  if (Object.values(clients).some(({ missing }) => missing)) return 1

  const servers = [
    'gateway',
    ...(flags.alone || flags.webdav || flags.mount ? [] : ['rest-server']),
  ]
  const jobs = chosen.flatMap((setUp) => servers.map((server) => ({ setUp, server })))
  const results = []
  const harness = { World, measure }
  await Promise.all(Array.from({ length: PLAYED_AT_ONCE }, () => work(jobs, harness, results)))
  const judged = judgeAll(results, chosen, judge)
  if (flags.json) console.log(JSON.stringify(judged, null, 2))
  else {
    console.log('')
    printTable(judged)
  }
  return judged.every(({ missed = [] }) => missed.length === 0) ? 0 : 1
}

process.exitCode = await main()
