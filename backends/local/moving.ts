/** Moves a file to a name that must not be taken. */
import { dirname } from 'node:path'
import type { Disk } from './disk.js'
import { hasErrno, unless } from './faults.js'
import type { FolderSync } from './folder-sync.js'

export type Moved = 'moved' | 'exists' | 'gone'

export class Mover {
  readonly #disk: Disk
  readonly #sync: FolderSync
  #renames: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk, sync: FolderSync) {
    this.#disk = disk
    this.#sync = sync
  }

  /**
   * Both names exist for a moment, the new one durably before the old one goes: a crash in between leaves the file under
   * both, and the next call finishes it. Whatever the answer, what stands under the new name is durable.
   */
  async move(from: string, to: string): Promise<Moved> {
    const moved = await this.#link(from, to)
    await this.#sync.sync(dirname(to))
    if (moved === 'moved') await unless(['ENOENT'], undefined, this.#disk.unlink(from))
    return moved
  }

  async #link(from: string, to: string): Promise<Moved> {
    try {
      await this.#disk.link(from, to)
      return 'moved'
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return this.#isSameFile(from, to)
      if (hasErrno(error, 'ENOENT')) {
        // It may be the new place that is gone.
        if ((await this.#find(from)) === undefined) return 'gone'
        throw error
      }
      if (hasErrno(error, ...withoutLinks)) return this.#renameInTurn(from, to)
      throw error
    }
  }

  async #isSameFile(from: string, to: string): Promise<Moved> {
    const [source, target] = await Promise.all([this.#find(from), this.#find(to)])
    if (source === undefined) return 'gone'
    const isSame = source.ino === target?.ino && source.dev === target.dev
    return isSame ? 'moved' : 'exists'
  }

  /** For file systems without hard links (FAT, some network shares): looks first, one at a time in this process. */
  #renameInTurn(from: string, to: string): Promise<Moved> {
    const act = async (): Promise<Moved> => {
      const [source, target] = await Promise.all([this.#find(from), this.#find(to)])
      if (source === undefined) return 'gone'
      if (target !== undefined) return 'exists'
      await this.#disk.rename(from, to)
      return 'moved'
    }
    const turn = this.#renames.then(act, act)
    this.#renames = turn.catch(() => undefined)
    return turn
  }

  #find(path: string): Promise<Awaited<ReturnType<Disk['stat']>> | undefined> {
    return unless(['ENOENT'], undefined, this.#disk.stat(path))
  }
}

/** The errors of file systems without hard links. */
export const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']
