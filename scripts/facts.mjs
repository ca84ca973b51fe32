/** `npm run facts`: measures again what docs/RESTIC.md says of restic on the wire. */
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { readUsage } from './usage.mjs'

const { values: flags } = readUsage({
  name: 'facts',
  does: `Runs the commands of restic 0.14, 0.18 and 0.19 behind rest-server, on a line that notes each request, and prints what
each command asks, which listings it makes, on which connection it locks, what its requests have in common, and how its
connections end. docs/RESTIC.md rests on these tables.`,
  options: {
    idle: {
      purpose: 'measure also a backup that idles past the refresh of its lock (7 minutes)',
    },
    json: { purpose: 'print everything as JSON to stdout, all else to stderr' },
  },
  examples: [
    ['', 'every command'],
    [' -- --idle', 'and an idle backup'],
  ],
  codes: { ok: 'measured', no: 'packages, build or clients cannot be had' },
})
const say = flags.json ? console.error : console.log

const inWorld = async (World, measure, version) => {
  let close = async () => undefined
  const world = await World.open({ teardown: (end) => (close = end) })
  try {
    return await measure(world, version)
  } finally {
    await close()
  }
}

const groupBy = (all, keyOf) => {
  const groups = new Map()
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}

const printTraces = (all) => {
  console.log('\n## What each command asks\n')
  console.log(
    '`H` is head config, list keys, get keys, get config; `K` is list locks, post locks, list locks.\n',
  )
  for (const [name, of] of groupBy(all, ({ name }) => name)) {
    console.log(`- ${name}`)
    for (const [trace, same] of groupBy(of, ({ trace }) => trace)) {
      const brief = trace
        .replaceAll('head config, list keys, get keys, get config', 'H')
        .replaceAll('list locks, post locks, list locks', 'K')
      const codes = same
        .filter(({ exitCode }) => exitCode !== 0)
        .map(({ exitCode }) => ` (exit ${exitCode})`)
      console.log(
        `  - ${same.map(({ version }) => version).join(', ')}${codes[0] ?? ''}: ${brief || 'nothing'}`,
      )
    }
  }
}

const printLists = (all) => {
  console.log('\n## Who lists what\n')
  for (const kind of ['data', 'index', 'snapshots']) {
    const names = groupBy(
      all.filter(({ lists }) => lists.includes(kind)),
      ({ name }) => name,
    )
    const total = groupBy(all, ({ name }) => name)
    const texts = [...names].map(([name, of]) =>
      of.length === total.get(name).length
        ? name
        : `${name} (${of.map(({ version }) => version).join(', ')})`,
    )
    console.log(`- ${kind}: ${texts.join('; ')}`)
  }
}

const printConstants = (all) => {
  console.log('\n## What the requests of a process have in common\n')
  for (const [version, of] of groupBy(all, ({ version }) => version)) {
    const asking = of.filter(({ trace }) => trace !== '')
    for (const header of ['user-agent', 'authorization', 'accept']) {
      const values = [...new Set(asking.map(({ headers }) => headers[header]))]
      console.log(`- ${version}: ${header}: ${values.join(' / ')}`)
    }
    const varied = asking.filter(({ headers }) => headers.host.includes(' | '))
    console.log(`- ${version}: host: ${varied.length === 0 ? 'one in each process' : 'VARIES'}`)
    const closings = asking.flatMap(({ closings }) => closings)
    const byClient = closings.filter(({ by }) => by === 'client').length
    const longest = Math.max(...closings.map(({ afterAllMs }) => afterAllMs))
    console.log(
      `- ${version}: ${byClient} of ${closings.length} connections closed by the client, ${longest} ms after the process's last answer at most`,
    )
  }
}

const printLocks = (all) => {
  console.log(
    '\n## Own locks that were posted elsewhere than on the connection of the opening\n',
  )
  for (const { version, foreignLocks, postedElsewhere, runs } of all)
    console.log(`- ${version}, ${foreignLocks} foreign locks: ${postedElsewhere} of ${runs}`)
}

const printIdling = (all) => {
  console.log('\n## A backup that waits for input\n')
  for (const { version, refresh, closings, end } of all) {
    console.log(`- ${version}: ${refresh}; then ${end}`)
    for (const { afterMs, by } of closings)
      console.log(
        `  - a connection closed by the ${by}, ${(afterMs / 1000).toFixed(1)} s after its last answer`,
      )
  }
}

const main = async () => {
  if (!(await prepare(say))) return 1
  const clients = await ensureClients(
    ['restic-0.14', 'restic-0.18', 'restic-0.19', 'rest-server'],
    say,
  )
  say(describeClients(clients).join('\n'))
  if (Object.values(clients).some(({ missing }) => missing)) return 1
  const [{ World }, { ALL_RESTIC_VERSIONS }, { measureCommands, measureLocks, measureIdling }] =
    await Promise.all(
      ['end-to-end/harness/world', 'end-to-end/harness/clients', 'facts/measuring'].map(
        (name) => import(`../dist/test/${name}.js`),
      ),
    )
  const measure = async (how) => {
    const of = ALL_RESTIC_VERSIONS.map(async (version) => {
      const found = await inWorld(World, how, version)
      return (Array.isArray(found) ? found : [found]).map((facts) => ({ version, ...facts }))
    })
    return (await Promise.all(of)).flat()
  }
  const idling = flags.idle ? measure(measureIdling) : undefined
  const commands = await measure(measureCommands)
  const locks = await measure(measureLocks)
  const idle = (await idling) ?? []
  if (flags.json) console.log(JSON.stringify({ commands, locks, idle }, null, 2))
  else {
    printTraces(commands)
    printLists(commands)
    printLocks(locks)
    printConstants(commands)
    if (flags.idle) printIdling(idle)
  }
  return 0
}

process.exitCode = await main()
