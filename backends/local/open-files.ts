/** Knows the files that were read a moment ago and keeps them open: restic reads many small ranges of one pack in a row. */
import type { Stats } from 'node:fs'
import { identityOf, type Descriptor, type Disk } from './disk.js'

/** What is changed past the gateway is seen after so long. */
const keptMs = 1_000
const keptMax = 64

/** An open file that several may read. It is closed once it is no longer kept, and nobody reads it any more. */
export class SharedFile {
  readonly size: number
  readonly modifiedMs: number
  readonly identity: string
  readonly openedAt = performance.now()
  readonly #disk: Disk
  readonly #descriptor: Descriptor
  #users = 1

  /** Whoever opens it is its first user. */
  constructor(disk: Disk, descriptor: Descriptor, found: Stats) {
    this.#disk = disk
    this.#descriptor = descriptor
    this.size = found.size
    this.modifiedMs = found.mtimeMs
    this.identity = identityOf(found)
  }

  use(): this {
    this.#users += 1
    return this
  }

  async release(): Promise<void> {
    this.#users -= 1
    if (this.#users === 0) await this.#disk.close(this.#descriptor)
  }

  /** Fills the buffer from this position on, and answers how far. */
  read(buffer: Buffer, position: number): Promise<number> {
    return this.#disk.read(this.#descriptor, buffer, position)
  }
}

export class OpenFiles {
  readonly #files = new Map<string, SharedFile>()
  #sweeping: NodeJS.Timeout | undefined

  /** To be released, like one that was just opened. */
  find(path: string): SharedFile | undefined {
    const file = this.#files.get(path)
    return file === undefined || isOver(file) ? undefined : file.use()
  }

  keep(path: string, file: SharedFile): void {
    this.forget(path)
    const [oldest] = this.#files.keys()
    if (oldest !== undefined && this.#files.size >= keptMax) this.forget(oldest)
    this.#files.set(path, file.use())
    this.#sweeping ??= setTimeout(() => this.#sweep(), keptMs).unref()
  }

  /** To be called when what stands under the path changes. */
  forget(path: string): void {
    const file = this.#files.get(path)
    if (file === undefined) return
    this.#files.delete(path)
    // A file that was only read has nothing to lose when it is closed.
    file.release().catch(() => undefined)
  }

  #sweep(): void {
    this.#sweeping = undefined
    for (const [path, file] of this.#files) if (isOver(file)) this.forget(path)
    if (this.#files.size > 0) this.#sweeping = setTimeout(() => this.#sweep(), keptMs).unref()
  }
}

function isOver({ openedAt }: SharedFile): boolean {
  return performance.now() - openedAt > keptMs
}
