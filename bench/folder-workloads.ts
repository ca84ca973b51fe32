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

/** Each can be run alone: what it needs it makes, untimed. */
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
    return secondsOf(() =>
      run(restic, ['--no-cache', '--quiet', ...args], { env, maxBuffer: 2 ** 26 }),
    )
  }
  /** Through the mount: rclone's would not see for minutes what appears beneath it. */
  const prepared = async ({ path }: Folder, name: string): Promise<string> => {
    const repository = join(path, name)
    if (!(await isThere(repository))) {
      await timed(repository, 'init')
      if (name === kept) await timed(repository, 'backup', source)
    }
    return repository
  }
  return [
    {
      name: 'backup',
      title: `restic backup of ${mebibytes} MiB`,
      run: async (peer, round) => {
        const name = `backup-${round}`
        const seconds = await timed(await prepared(peer, name), 'backup', source)
        await removed(join(peer.beneath, name))
        return seconds
      },
    },
    {
      name: 'restore',
      title: `restic restore of ${mebibytes} MiB`,
      run: async (peer) => {
        const target = join(folder, 'restored')
        const repository = await prepared(peer, kept)
        const seconds = await timed(repository, 'restore', 'latest', '--target', target)
        await rm(target, { recursive: true })
        return seconds
      },
    },
    {
      name: 'write',
      title: `sequential write of ${mebibytes} MiB, and its name`,
      run: async (peer, round) => {
        const name = `write-${round}`
        const seconds = await writePack(await prepared(peer, name), mebibytes)
        await removed(join(peer.beneath, name))
        return seconds
      },
    },
    {
      name: 'read',
      title: `sequential read of ${mebibytes} MiB`,
      run: async (peer) => {
        await written(peer, mebibytes, prepared)
        return readPack(join(peer.path, 'read'), mebibytes)
      },
    },
    {
      name: 'stat',
      title: `${statCount} looks at one file`,
      run: async (peer) => {
        await written(peer, mebibytes, prepared)
        const { path } = packOf(join(peer.path, 'read'), mebibytes)
        return secondsOf(async () => {
          for (let count = 0; count < statCount; count += 1) await stat(path)
        })
      },
    },
  ]
}

const kept = 'restore'

async function written(
  peer: Folder,
  mebibytes: number,
  prepared: (peer: Folder, name: string) => Promise<string>,
): Promise<void> {
  const repository = await prepared(peer, 'read')
  if (!(await isThere(packOf(repository, mebibytes).path))) {
    await writePack(repository, mebibytes)
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** rclone writes what it was given seconds later, also into a folder that is being removed. */
async function removed(folder: string): Promise<void> {
  await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 200 })
}

async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return (performance.now() - begun) / 1000
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
  return secondsOf(async () => {
    const file = await open(`${path}-tmp-1`, 'wx+')
    for (let at = 0; at < mebibytes; at += 1) await file.write(piece)
    await file.sync()
    await file.close()
    await rename(`${path}-tmp-1`, path)
  })
}

async function readPack(repository: string, mebibytes: number): Promise<number> {
  return secondsOf(async () => {
    const { length } = await readFile(packOf(repository, mebibytes).path)
    if (length !== mebibytes * MIB) throw new Error(`${length} bytes were read`)
  })
}
