/**
 * `npm run bench -- webdav`: the WebDAV door beside `rclone serve webdav`, both on the same disk. Figures are ratios to
 * rclone within one run; memory is the peak of the whole process.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientPath } from '../test/end-to-end/harness/clients.js'
import { benchCommand, type CommonOptions } from './command.js'
import { compare, comparisonOf, tableOf, type Comparison, type Workload } from './measure.js'
import { davKinds, startServer, type ServerKind } from './servers.js'
import { davLists, davTransfers, fillFolders, type DavServer } from './webdav-workloads.js'

type Options = CommonOptions

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function open(parent: string, kind: ServerKind, files: number): Promise<DavServer> {
  await fillFolders(join(parent, kind.name), files)
  const server = await startServer(kind, parent)
  return { ...server, base: kind.name === 'lockkeeper' ? '/-/dav' : '' }
}

function memoryOf(
  name: string,
  servers: readonly DavServer[],
  peaks: readonly number[],
): Comparison {
  const values = new Map(servers.map((server, at) => [server.name, [peaks[at] ?? 0]]))
  const about = { name: `memory (${name})`, title: `peak of memory over ${name}`, unit: 'MiB' }
  return comparisonOf(about, servers, values)
}

async function peaksOf(servers: readonly DavServer[]): Promise<number[]> {
  const usages = await Promise.all(servers.map(({ usage }) => usage()))
  return usages.map(({ peakMemoryMiB }) => peakMemoryMiB)
}

/** Compares on servers that have done nothing else, so that the peak of their memory is that of these loads. */
async function compareAll(
  parent: string,
  workloads: readonly Workload<DavServer>[],
  { rounds, scale }: Options,
): Promise<Comparison[]> {
  const servers: DavServer[] = []
  const comparisons: Comparison[] = []
  // What is under way fails as soon as its server has gone.
  const interrupt = (): void => {
    for (const server of servers) void server.stop()
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const gateway = fileURLToPath(new URL('../gateway/cli/main.js', import.meta.url))
    const files = Math.max(1, Math.round(10_000 * scale))
    for (const kind of davKinds({ gateway, rclone: clientPath('rclone') }))
      servers.push(await open(parent, kind, files))
    const before = await peaksOf(servers)
    for (const workload of workloads) {
      say(`${workload.title} …`)
      const comparison = await compare(workload, servers, rounds)
      comparisons.push(comparison)
      say(tableOf([comparison]))
    }
    const names = workloads.map(({ name }) => name).join(', ')
    comparisons.push(memoryOf('the start', servers, before))
    comparisons.push(memoryOf(names, servers, await peaksOf(servers)))
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    for (const server of servers) await server.stop()
  }
  return comparisons
}

async function run(names: readonly string[], options: Options): Promise<void> {
  const folder = await mkdtemp(join(options.folder, 'lockkeeper-bench-'))
  const { scale } = options
  const groups = {
    lists: davLists(Math.max(1, Math.round(10_000 * scale))),
    transfers: davTransfers(Math.max(1, Math.round(1024 * scale))),
  }
  const comparisons: Comparison[] = []
  try {
    for (const [group, all] of Object.entries(groups)) {
      const wanted = all.filter(({ name }) => names.length === 0 || names.includes(name))
      if (wanted.length === 0) continue
      comparisons.push(...(await compareAll(join(folder, group), wanted, options)))
    }
    process.stdout.write(`${tableOf(comparisons)}\n`)
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(comparisons, undefined, 2)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

await benchCommand(
  'bench webdav',
  'Compare the WebDAV door with rclone serve webdav, side by side.',
  'only these: list, snapshots, put, get, put-pack, get-pack',
)
  .action((names: string[], options: Options) => run(names, options))
  .parseAsync()
