/**
 * `npm run bench -- fuse`: restic on a folder as it is, on Lockkeeper's mount, and on an `rclone mount` of a folder, all
 * on the same disk. Figures are ratios to the folder within one run.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clientPath } from '../test/end-to-end/harness/clients.js'
import { removeLeftMounts } from '../test/end-to-end/harness/test-mount.js'
import { benchCommand, type CommonOptions } from './command.js'
import { folderWorkloads } from './folder-workloads.js'
import { openFolders, type Folder } from './folders.js'
import { compare, tableOf, type Comparison } from './measure.js'

interface Options extends CommonOptions {
  readonly peers: string
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function run(names: readonly string[], options: Options): Promise<void> {
  removeLeftMounts()
  const folder = await mkdtemp(join(options.folder, 'lockkeeper-bench-'))
  const comparisons: Comparison[] = []
  let folders: Folder[] = []
  try {
    folders = await openFolders(folder, options.peers.split(','))
    const mebibytes = Math.max(16, Math.round(700 * options.scale))
    const workloads = await folderWorkloads({
      restic: clientPath('restic-0.18'),
      folder,
      mebibytes,
    })
    const isWanted = ({ title }: { title: string }): boolean =>
      names.length === 0 || names.some((name) => title.includes(name))
    for (const workload of workloads.filter(isWanted)) {
      say(`${workload.title} …`)
      const comparison = await compare(workload, folders, options.rounds)
      comparisons.push(comparison)
      say(tableOf([comparison]))
    }
    process.stdout.write(`${tableOf(comparisons)}\n`)
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(comparisons, undefined, 2)}\n`)
  } finally {
    for (const { close } of folders) await close()
    await rm(folder, { recursive: true, force: true })
  }
}

await benchCommand(
  'bench fuse',
  "Compare a folder, Lockkeeper's mount and an rclone mount, side by side.",
  'only the workloads whose title contains one of these',
)
  .option(
    '--peers <names>',
    'the folders; the first is the reference',
    'folder,lockkeeper,rclone',
  )
  .action((names: string[], options: Options) => run(names, options))
  .parseAsync()
