/** Knows how the names in a folder are made durable, once for all who changed it at about the same time. */
import { openFolder, type Disk } from './disk.js'
import { hasErrno } from './faults.js'

interface Rounds {
  readonly running: Promise<void>
  /** Begins when the running one has ended; whoever comes meanwhile shares it. */
  next: Promise<void> | undefined
}

export class FolderSync {
  readonly #disk: Disk
  readonly #rounds = new Map<string, Rounds>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Resolves when a sync of the folder has ended that began after this call. */
  async sync(folder: string): Promise<void> {
    const rounds = this.#rounds.get(folder)
    if (rounds === undefined) return this.#begin(folder)
    rounds.next ??= rounds.running.then(
      () => this.#begin(folder),
      () => this.#begin(folder),
    )
    return rounds.next
  }

  #begin(folder: string): Promise<void> {
    const rounds: Rounds = { running: this.#syncOnce(folder), next: undefined }
    this.#rounds.set(folder, rounds)
    const end = (): void => {
      if (rounds.next === undefined) this.#rounds.delete(folder)
    }
    rounds.running.then(end, end)
    return rounds.running
  }

  async #syncOnce(folder: string): Promise<void> {
    const handle = await this.#disk.open(folder, openFolder)
    try {
      await this.#disk.sync(handle)
    } catch (error) {
      // Some file systems (CIFS, some FUSE) have no such call for folders: there is nothing more to be done there.
      if (!hasErrno(error, 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP')) throw error
    } finally {
      await handle.close()
    }
  }
}
