/**
 * `npm run bench`: Lockkeeper beside rest-server and `rclone serve restic`, each on a folder of its own on the same
 * disk. Figures are ratios within one run, since timings differ from machine to machine and from minute to minute.
 */
import { Command } from 'commander'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientPath } from '../test/end-to-end/harness/clients.js'
import { httpWorkloads, makeRepository, syncsPerCommit } from './http-workloads.js'
import { compare, comparisonOf, tableOf, type Comparison, type Workload } from './measure.js'
import { resticWorkloads } from './restic-workloads.js'
import { serverKinds, startServer, type Server } from './servers.js'

interface Options {
  readonly rounds: number
  readonly scale: number
  readonly json?: string
  readonly folder: string
  readonly peers: string
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function openServers(folder: string, peers: readonly string[]): Promise<Server[]> {
  const gateway = fileURLToPath(new URL('../gateway/cli/main.js', import.meta.url))
  const [restServer, rclone] = [clientPath('rest-server'), clientPath('rclone')]
  const servers: Server[] = []
  for (const kind of serverKinds({ restServer, gateway, rclone })) {
    if (!peers.includes(kind.name)) continue
    const server = await startServer(kind, folder)
    await makeRepository(server)
    servers.push(server)
  }
  return servers
}

async function compareUsage(servers: readonly Server[]): Promise<Comparison[]> {
  const usages = await Promise.all(
    servers.map(async ({ name, usage }) => [name, await usage()] as const),
  )
  const memory = new Map(usages.map(([name, { peakMemoryMiB }]) => [name, [peakMemoryMiB]]))
  const cpu = new Map(usages.map(([name, { cpuSeconds }]) => [name, [cpuSeconds]]))
  return [
    comparisonOf('peak memory over all of the above', 'MiB', servers, memory),
    comparisonOf('processor time over all of the above', 's', servers, cpu),
  ]
}

async function compareSyncs(servers: readonly Server[], folder: string): Promise<Comparison[]> {
  const values = new Map<string, number[]>()
  for (const server of servers) {
    const count = await syncsPerCommit(server, folder)
    if (count === undefined) {
      say('No system calls are counted: strace is not installed.')
      return []
    }
    values.set(server.name, [count])
  }
  return [comparisonOf('calls of fsync and the like per lock posted', 'calls', servers, values)]
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const folder = await mkdtemp(join(options.folder, 'lockkeeper-bench-'))
  const comparisons: Comparison[] = []
  let servers: Server[] = []
  try {
    servers = await openServers(folder, options.peers.split(','))
    const mebibytes = Math.max(16, Math.round(700 * options.scale))
    const setting = { restic: clientPath('restic-0.18'), folder, mebibytes }
    const all: Workload<Server>[] = [
      ...httpWorkloads(options.scale),
      ...(await resticWorkloads(setting)),
    ]
    const isWanted = ({ title }: { title: string }): boolean =>
      names.length === 0 || names.some((name) => title.includes(name))
    for (const workload of all.filter(isWanted)) {
      say(`${workload.title} …`)
      const comparison = await compare(workload, servers, options.rounds)
      comparisons.push(comparison)
      say(tableOf([comparison]))
    }
    comparisons.push(...(await compareUsage(servers)))
    comparisons.push(...(await compareSyncs(servers, folder)))
    process.stdout.write(`${tableOf(comparisons)}\n`)
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(comparisons, undefined, 2)}\n`)
  } finally {
    for (const server of servers) await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

await new Command('bench')
  .description('Compare Lockkeeper with rest-server and rclone, side by side.')
  .argument('[names...]', 'only the workloads whose title contains one of these')
  .option('--rounds <n>', 'alternating rounds', Number, 7)
  .option('--scale <factor>', 'make every load smaller or larger', Number, 1)
  .option(
    '--peers <names>',
    'the servers; the first is the reference',
    'rest-server,lockkeeper,rclone',
  )
  .option('--json <file>', 'write all figures there too')
  .option('--folder <dir>', 'put the repositories there: the disk that is measured', tmpdir())
  .action((names: string[], options: Options) => run(names, options))
  .parseAsync()
