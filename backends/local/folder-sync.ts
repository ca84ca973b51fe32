/** Knows how the names in a folder are made durable, once for all who changed it at about the same time. */
import { openFolder, type Descriptor, type Disk } from './disk.js'
import { hasErrno } from './faults.js'

/** A folder stays open for so long: whoever moves it away meanwhile could change its files as well. */
const keptMs = 1_000
const keptMax = 16

interface Rounds {
  readonly running: Promise<void>
  /** Begins when the running one has ended; whoever comes meanwhile shares it. */
  next: Promise<void> | undefined
}

interface OpenFolder {
  readonly descriptor: Descriptor
  readonly openedAt: number
}

export class FolderSync {
  readonly #disk: Disk
  readonly #rounds = new Map<string, Rounds>()
  /** Open, and perhaps being synced. */
  readonly #folders = new Map<string, OpenFolder>()
  #sweeping: NodeJS.Timeout | undefined

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
    const { descriptor } = await this.#open(folder)
    try {
      await this.#disk.sync(descriptor)
    } catch (error) {
      this.#close(folder)
      // Some file systems (CIFS, some FUSE) have no such call for folders: there is nothing more to be done there.
      if (!hasErrno(error, 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP')) throw error
    }
  }

  /** Rounds of one folder never overlap, so nobody else uses what is closed here. */
  async #open(folder: string): Promise<OpenFolder> {
    const known = this.#folders.get(folder)
    if (known !== undefined && !isOver(known)) return known
    if (known !== undefined) this.#close(folder)
    const descriptor = await this.#disk.open(folder, openFolder)
    const opened = { descriptor, openedAt: performance.now() }
    if (this.#folders.size >= keptMax) this.#closeAny()
    this.#folders.set(folder, opened)
    this.#sweeping ??= setTimeout(() => this.#sweep(), keptMs).unref()
    return opened
  }

  #close(folder: string): void {
    const opened = this.#folders.get(folder)
    if (opened === undefined) return
    this.#folders.delete(folder)
    this.#disk.letGo(opened.descriptor)
  }

  #closeAny(): void {
    const idle = [...this.#folders.keys()].find((folder) => !this.#rounds.has(folder))
    if (idle !== undefined) this.#close(idle)
  }

  #sweep(): void {
    this.#sweeping = undefined
    for (const [folder, opened] of this.#folders) {
      if (isOver(opened) && !this.#rounds.has(folder)) this.#close(folder)
    }
    if (this.#folders.size > 0) {
      this.#sweeping = setTimeout(() => this.#sweep(), keptMs).unref()
    }
  }
}

function isOver({ openedAt }: OpenFolder): boolean {
  return performance.now() - openedAt > keptMs
}
