/** Knows the whole runs of restic that are timed: backup, restore and a check of all data. */
import { execFile } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Workload } from './measure.js'
import type { Server } from './servers.js'

const run = promisify(execFile)
const MIB = 2 ** 20

export interface ResticSetting {
  readonly restic: string
  /** For the files to back up, caches and restores. */
  readonly folder: string
  readonly mebibytes: number
}

/** Files of 4 MiB of bytes that nothing can shrink. */
export async function writeSource({ folder, mebibytes }: ResticSetting): Promise<string> {
  const source = join(folder, 'source')
  await mkdir(source, { recursive: true })
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16))
  for (let at = 0; at < mebibytes / 4; at += 1) {
    const file = await open(join(source, `file-${at}`), 'w')
    await file.writeFile(cipher.update(Buffer.alloc(4 * MIB)))
    await file.close()
  }
  return source
}

/** Three workloads on one repository a peer and round: the backup of one round is what the others read. */
export async function resticWorkloads(setting: ResticSetting): Promise<Workload<Server>[]> {
  const source = await writeSource(setting)
  const { restic, folder, mebibytes } = setting
  const repositoryOf = (server: Server, round: number): string =>
    `rest:${server.origin}/restic-${round}/`
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
  return [
    {
      title: `restic backup of ${mebibytes} MiB`,
      run: async (server, round) => {
        const repository = repositoryOf(server, round)
        await timed(repository, 'init')
        return timed(repository, 'backup', source)
      },
    },
    {
      title: `restic restore of ${mebibytes} MiB`,
      run: async (server, round) => {
        const target = join(folder, 'restored')
        const seconds = await timed(
          repositoryOf(server, round),
          'restore',
          'latest',
          '--target',
          target,
        )
        await rm(target, { recursive: true })
        return seconds
      },
    },
    {
      title: `restic check --read-data of ${mebibytes} MiB`,
      run: async (server, round) => {
        const seconds = await timed(repositoryOf(server, round), 'check', '--read-data')
        await rm(join(server.folder, `restic-${round}`), { recursive: true })
        return seconds
      },
    },
  ]
}
