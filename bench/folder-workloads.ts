/** Knows what is timed on a folder: whole runs of restic, one long sequential write, and many small questions. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Folder } from './folders.js'
import type { Workload } from './measure.js'
import { writeSource, type ResticSetting } from './restic-workloads.js'

const run = promisify(execFile)
const MIB = 2 ** 20
const statCount = 5000

/** The repository of one round is what the later workloads of the round use. */
export async function folderWorkloads(setting: ResticSetting): Promise<Workload<Folder>[]> {
  const source = await writeSource(setting)
  const { restic, folder, mebibytes } = setting
  const timed = async (repository: string, ...args: string[]): Promise<number> => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      RESTIC_PASSWORD: 'bench',
      RESTIC_REPOSITORY: repository,
    }
    const begun = performance.now()
    await run(restic, ['--no-cache', '--quiet', ...args], { env, maxBuffer: 2 ** 26 })
    return (performance.now() - begun) / 1000
  }
  const pathOf = ({ path }: Folder, round: number): string => join(path, `repo-${round}`)
  return [
    {
      name: 'backup',
      title: `restic backup of ${mebibytes} MiB`,
      run: async (peer, round) => {
        await timed(pathOf(peer, round), 'init')
        return timed(pathOf(peer, round), 'backup', source)
      },
    },
    {
      name: 'restore',
      title: `restic restore of ${mebibytes} MiB`,
      run: async (peer, round) => {
        const target = join(folder, 'restored')
        const path = pathOf(peer, round)
        const seconds = await timed(path, 'restore', 'latest', '--target', target)
        await rm(target, { recursive: true })
        return seconds
      },
    },
    {
      name: 'write',
      title: `sequential write of ${mebibytes} MiB, and its name`,
      run: async (peer, round) => writePack(pathOf(peer, round), mebibytes),
    },
    {
      name: 'read',
      title: `sequential read of ${mebibytes} MiB`,
      run: async (peer, round) => readPack(pathOf(peer, round), mebibytes),
    },
    {
      name: 'stat',
      title: `${statCount} looks at one file`,
      run: async (peer, round) => {
        const seconds = await look(packOf(pathOf(peer, round), mebibytes).path)
        await rm(join(peer.beneath, `repo-${round}`), { recursive: true })
        return seconds
      },
    },
  ]
}

const piece = randomBytes(MIB)
const digests = new Map<number, string>()

function packOf(repository: string, mebibytes: number): { path: string; name: string } {
  let name = digests.get(mebibytes)
  if (name === undefined) {
    const hash = createHash('sha256')
    for (let at = 0; at < mebibytes; at += 1) hash.update(piece)
    name = hash.digest('hex')
    digests.set(mebibytes, name)
  }
  return { name, path: join(repository, 'data', name.slice(0, 2), name) }
}

async function writePack(repository: string, mebibytes: number): Promise<number> {
  const { path } = packOf(repository, mebibytes)
  await mkdir(dirname(path), { recursive: true })
  const begun = performance.now()
  const file = await open(`${path}-tmp-1`, 'wx+')
  for (let at = 0; at < mebibytes; at += 1) await file.write(piece)
  await file.sync()
  await file.close()
  await rename(`${path}-tmp-1`, path)
  return (performance.now() - begun) / 1000
}

async function readPack(repository: string, mebibytes: number): Promise<number> {
  const begun = performance.now()
  const { length } = await readFile(packOf(repository, mebibytes).path)
  if (length !== mebibytes * MIB) throw new Error(`${length} bytes were read`)
  return (performance.now() - begun) / 1000
}

async function look(path: string): Promise<number> {
  const begun = performance.now()
  for (let count = 0; count < statCount; count += 1) await stat(path)
  return (performance.now() - begun) / 1000
}
