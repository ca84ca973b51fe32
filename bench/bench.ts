/**
 * `npm run bench`: Lockkeeper beside rest-server and `rclone serve restic`, each on a folder of its own on the same
 * disk. Figures are ratios within one run, since timings differ from machine to machine and from minute to minute.
 */
import { InvalidArgumentError } from 'commander'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientPath } from '../test/end-to-end/harness/clients.js'
import { benchCommand, type CommonOptions } from './command.js'
import { httpWorkloads, syncsPerCommit } from './http-workloads.js'
import { compare, comparisonOf, tableOf, type Comparison, type Workload } from './measure.js'
import { resticWorkloads } from './restic-workloads.js'
import { serverKinds, startServer, type Server } from './servers.js'

interface Options extends CommonOptions {
  readonly peers: string
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function openServers(
  servers: Server[],
  folder: string,
  peers: readonly string[],
): Promise<void> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  const [gateway, bare] = [at('../gateway/cli/main.js'), at('./bare-server.js')]
  const [restServer, rclone] = [clientPath('rest-server'), clientPath('rclone')]
  const kinds = serverKinds({ restServer, gateway, rclone, bare })
  const strange = peers.find((peer) => !kinds.some(({ name }) => name === peer))
  if (strange !== undefined) {
    const known = kinds.map(({ name }) => name).join(', ')
    throw new InvalidArgumentError(`There is no server "${strange}"; there are ${known}.`)
  }
  for (const kind of kinds) {
    if (!peers.includes(kind.name)) continue
    servers.push(await startServer(kind, folder))
  }
}

async function compareUsage(servers: readonly Server[], what: string): Promise<Comparison[]> {
  const usages = await Promise.all(
    servers.map(async ({ name, usage }) => [name, await usage()] as const),
  )
  const memory = new Map(usages.map(([name, { peakMemoryMiB }]) => [name, [peakMemoryMiB]]))
  const cpu = new Map(usages.map(([name, { cpuSeconds }]) => [name, [cpuSeconds]]))
  const [memoryTitle, cpuTitle] = [`peak memory over ${what}`, `processor time over ${what}`]
  return [
    comparisonOf(
      { name: `memory (${what})`, title: memoryTitle, unit: 'MiB' },
      servers,
      memory,
    ),
    comparisonOf({ name: `cpu (${what})`, title: cpuTitle, unit: 's' }, servers, cpu),
  ]
}

async function compareSyncs(
  servers: readonly Server[],
  type: 'locks' | 'data',
  folder: string,
): Promise<Comparison[]> {
  const values = new Map<string, number[]>()
  for (const server of servers) {
    const count = await syncsPerCommit(server, type, folder)
    if (count === undefined) {
      say('No system calls are counted: strace is not installed.')
      return []
    }
    values.set(server.name, [count])
  }
  const title = `calls of fsync and the like per ${type === 'locks' ? 'lock' : 'pack'} posted`
  return [comparisonOf({ name: `syncs (${type})`, title, unit: 'calls' }, servers, values)]
}

/** Rows of other names that a file holds already stay: the whole can be measured row by row. */
async function writeJson(file: string, comparisons: readonly Comparison[]): Promise<void> {
  const before = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Comparison[],
    () => [],
  )
  const kept = before.filter(({ name }) => !comparisons.some((other) => other.name === name))
  await writeFile(file, `${JSON.stringify([...kept, ...comparisons], undefined, 2)}\n`)
}

const syncsName = 'syncs'

async function measure(
  servers: Server[],
  setting: { folder: string; signal: AbortSignal },
  names: readonly string[],
  { scale, rounds, peers }: Options,
): Promise<Comparison[]> {
  const mebibytes = Math.max(16, Math.round(700 * scale))
  const packs = Math.max(1, Math.round(50_000 * scale))
  const restic = clientPath('restic-0.18')
  const all: Workload<Server>[] = [
    ...httpWorkloads(scale),
    ...resticWorkloads({ ...setting, restic, mebibytes }, packs),
  ]
  const known = [...all.map(({ name }) => name), syncsName]
  const strange = names.find((name) => !known.includes(name))
  if (strange !== undefined) {
    throw new InvalidArgumentError(
      `There is no row "${strange}"; there are ${known.join(', ')}.`,
    )
  }
  await openServers(servers, setting.folder, peers.split(','))
  const wanted = all.filter(({ name }) => names.length === 0 || names.includes(name))
  const comparisons: Comparison[] = []
  for (const workload of wanted) {
    say(`${workload.title} …`)
    const comparison = await compare(workload, servers, rounds, setting.signal)
    comparisons.push(comparison)
    say(tableOf([comparison]))
  }
  const what = names.length === 0 ? 'all of it' : wanted.map(({ name }) => name).join(', ')
  if (wanted.length > 0) comparisons.push(...(await compareUsage(servers, what)))
  if (names.length === 0 || names.includes(syncsName)) {
    comparisons.push(...(await compareSyncs(servers, 'locks', setting.folder)))
    comparisons.push(...(await compareSyncs(servers, 'data', setting.folder)))
  }
  return comparisons
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const folder = await mkdtemp(join(options.folder, 'lockkeeper-bench-'))
  const interruption = new AbortController()
  const servers: Server[] = []
  // What is under way fails as soon as its server has gone.
  const interrupt = (): void => {
    interruption.abort()
    for (const server of servers) void server.stop()
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const setting = { folder, signal: interruption.signal }
    const comparisons = await measure(servers, setting, names, options)
    process.stdout.write(`${tableOf(comparisons)}\n`)
    if (options.json !== undefined) await writeJson(options.json, comparisons)
  } catch (error) {
    if (error instanceof InvalidArgumentError) {
      say(error.message)
      process.exitCode = 1
    } else if (interruption.signal.aborted) {
      say('Interrupted.')
      process.exitCode = 130
    } else throw error
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

await benchCommand(
  'bench',
  'Compare Lockkeeper with rest-server and rclone, side by side.',
  'only these: upload, download, ranges, locks, list, prune, backup …; other rows in the file of --json stay',
)
  .option(
    '--peers <names>',
    'the servers, the first is the reference; "bare" is the least that Node can be',
    'rest-server,lockkeeper,rclone',
  )
  .action((names: string[], options: Options) => run(names, options))
  .parseAsync()
