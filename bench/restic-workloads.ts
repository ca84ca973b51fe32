/** Knows the whole runs of restic that are timed: backup, restore, a check of all data, and a prune of many packs. */
import { execFile } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { namesOf, writePacks } from './http-workloads.js'
import type { Workload } from './measure.js'
import type { Server } from './servers.js'

const run = promisify(execFile)
const MIB = 2 ** 20

export interface ResticSetting {
  readonly restic: string
  /** For the files to back up, caches and restores. */
  readonly folder: string
  readonly mebibytes: number
  readonly signal?: AbortSignal
}

/** Files of 4 MiB of bytes that nothing can shrink; made once. */
export async function writeSource({ folder, mebibytes }: ResticSetting): Promise<string> {
  const source = join(folder, 'source')
  if (await isThere(source)) return source
  await mkdir(source, { recursive: true })
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16))
  for (let at = 0; at < mebibytes / 4; at += 1) {
    const file = await open(join(source, `file-${at}`), 'w')
    await file.writeFile(cipher.update(Buffer.alloc(4 * MIB)))
    await file.close()
  }
  return source
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Answers the seconds that it took. */
async function runRestic(
  setting: ResticSetting,
  server: Server,
  repository: string,
  ...args: string[]
): Promise<number> {
  const { restic, folder, signal } = setting
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    RESTIC_PASSWORD: 'bench',
    RESTIC_REPOSITORY: `rest:${server.origin}/${repository}/`,
  }
  const begun = performance.now()
  const options = { env, maxBuffer: 2 ** 26, ...(signal === undefined ? {} : { signal }) }
  await run(restic, ['--no-cache', '--quiet', ...args], options)
  return (performance.now() - begun) / 1000
}

/** The repository that is restored and checked, made by the first who wants it. */
async function filled(setting: ResticSetting, server: Server): Promise<string> {
  const repository = 'filled'
  if (!(await isThere(join(server.folder, repository)))) {
    await runRestic(setting, server, repository, 'init')
    await runRestic(setting, server, repository, 'backup', await writeSource(setting))
  }
  return repository
}

/** `packs` are those that a prune deletes. */
export function resticWorkloads(setting: ResticSetting, packs: number): Workload<Server>[] {
  const { folder, mebibytes } = setting
  return [
    {
      name: 'backup',
      title: `restic backup of ${mebibytes} MiB`,
      run: async (server, round) => {
        const repository = `backup-${round}`
        await runRestic(setting, server, repository, 'init')
        const source = await writeSource(setting)
        const seconds = await runRestic(setting, server, repository, 'backup', source)
        await rm(join(server.folder, repository), { recursive: true })
        return seconds
      },
    },
    {
      name: 'restore',
      title: `restic restore of ${mebibytes} MiB`,
      run: async (server) => {
        const target = ['--target', join(folder, 'restored')]
        const repository = await filled(setting, server)
        const seconds = await runRestic(
          setting,
          server,
          repository,
          'restore',
          'latest',
          ...target,
        )
        await rm(join(folder, 'restored'), { recursive: true })
        return seconds
      },
    },
    {
      name: 'check',
      title: `restic check --read-data of ${mebibytes} MiB`,
      run: async (server) => {
        const repository = await filled(setting, server)
        return runRestic(setting, server, repository, 'check', '--read-data')
      },
    },
    {
      name: 'restic-prune',
      title: `restic prune of ${packs} small packs`,
      run: async (server, round) => {
        const repository = `prune-${round}`
        await runRestic(setting, server, repository, 'init')
        // Packs that no index names, as an interrupted backup leaves them.
        await writePacks(server, repository, namesOf(packs, 'restic-prune'), Buffer.from('x'))
        const seconds = await runRestic(setting, server, repository, 'prune')
        const data = join(server.folder, repository, 'data')
        const left = (await readdir(data, { recursive: true })).filter((one) => one.length > 8)
        if (left.length > 0) throw new Error(`${server.name} has ${left.length} packs still`)
        await rm(join(server.folder, repository), { recursive: true })
        return seconds
      },
    },
  ]
}
