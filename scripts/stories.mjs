/** `npm run stories`: tells the stories of test/end-to-end/stories/, and prints how each ended. */
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { choose, readUsage } from './usage.mjs'

/** Most of a story's time is spent waiting. */
const TOLD_AT_ONCE = 3

const usage = readUsage({
  name: 'stories',
  does: `Tells stories of clients that sleep, are overtaken or work undisturbed, with restic 0.14 and 0.18 behind the
gateway, and prints who was told what and whether the repository is sound.`,
  words: 'tell only the stories whose name contains one of them',
  options: {
    compare: { purpose: 'tell each behind rest-server too' },
    mount: { purpose: 'on a mount of the gateway; needs /dev/fuse' },
    webdav: { purpose: 'with an rclone between restic and the gateway' },
    json: { purpose: 'print the table as JSON to stdout, all else to stderr' },
  },
  examples: [
    ['', 'every story'],
    [' -- --compare prune', 'those of a prune, with rest-server beside them'],
  ],
  codes: {
    ok: 'each story ended as promised behind the gateway',
    no: 'one did not, or packages, build or clients cannot be had',
  },
})
const flags = usage.values

/** The table alone goes to stdout with --json. */
const say = flags.json ? console.error : console.log

const tellOne = async ({ story, version, server }, { World, tell }) => {
  const began = performance.now()
  let close = async () => undefined
  let verdict
  try {
    const world = await World.open({ teardown: (end) => (close = end) })
    if (flags.webdav) world.speaks = 'webdav'
    verdict = await tell(story, world, version, server)
  } catch (error) {
    verdict = { problems: [error.message] }
  } finally {
    await close()
  }
  const seconds = Math.round((performance.now() - began) / 1000)
  return { story: story.name, version, server, seconds, ...verdict }
}

/** Takes jobs from the list until none is left; several of these run side by side. */
const work = async (jobs, harness, results) => {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const result = await tellOne(job, harness)
    results.push(result)
    const mark = result.problems.length === 0 ? 'as promised' : 'NOT as promised'
    const { story, version, server, seconds } = result
    say(`${mark}: ${story} (restic ${version}, ${server}, ${seconds} s)`)
    if (server !== 'rest-server') for (const problem of result.problems) say(`    ${problem}`)
  }
}

const toldText = ({ isTold }) => (isTold === undefined ? '-' : isTold ? 'told' : 'NOT told')
const soundText = ({ isSound }) =>
  isSound === undefined ? 'failed' : isSound ? 'sound' : 'DAMAGED'

const rowOf = (result, results) => {
  const { story, version, seconds, problems } = result
  const other = results.find(
    (one) => one.server === 'rest-server' && one.story === story && one.version === version,
  )
  return [
    story,
    version,
    toldText(result),
    soundText(result),
    String(seconds),
    problems.length === 0 ? 'yes' : 'NO',
    ...(flags.compare ? [toldText(other), soundText(other)] : []),
  ]
}

const printTable = (results) => {
  const heads = ['story', 'restic', 'told', 'repository', 'seconds', 'as promised']
  if (flags.compare) heads.push('rest-server: told', 'rest-server: repository')
  const told = results.filter(({ server }) => server !== 'rest-server')
  const rows = [heads, ...told.map((result) => rowOf(result, results))]
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows)
    console.log(
      row
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
}

const main = async () => {
  if (!(await prepare(say))) return 1
  const clients = await ensureClients(undefined, say)
  say(`Clients:\n  ${describeClients(clients).join('\n  ')}\n`)
  const from = (name) => import(`../dist/test/end-to-end/${name}.js`)
  const [{ World }, { RESTIC_VERSIONS }, { stories, mountStories }, { tell }] =
    await Promise.all(
      ['harness/world', 'harness/clients', 'stories/all', 'stories/story'].map(from),
    )
  const chosen = choose(flags.mount ? mountStories : stories, ({ name }) => name, usage)
  const servers = [flags.mount ? 'mount' : 'gateway', ...(flags.compare ? ['rest-server'] : [])]
  const plan = servers.flatMap((server) =>
    chosen.flatMap((story) => RESTIC_VERSIONS.map((version) => ({ story, version, server }))),
  )
  const jobs = [...plan]
  const results = []
  const workers = Array.from({ length: TOLD_AT_ONCE }, () =>
    work(jobs, { World, tell }, results),
  )
  await Promise.all(workers)
  const order = ({ story, version, server }) =>
    plan.findIndex(
      (one) => one.story.name === story && one.version === version && one.server === server,
    )
  results.sort((one, other) => order(one) - order(other))
  if (flags.json) console.log(JSON.stringify(results, null, 2))
  else {
    console.log('')
    printTable(results)
  }
  const judged = results.filter(({ server }) => server !== 'rest-server')
  return judged.every(({ problems }) => problems.length === 0) ? 0 : 1
}

process.exitCode = await main()
