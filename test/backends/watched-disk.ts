/** Knows how to note the store's calls of the file system, and to let one of them fail. */
import { relative } from 'node:path'
import { localDisk, type Descriptor, type Disk } from '../../backends/local/disk.js'

export const errno = (code: string): Error => Object.assign(new Error(code), { code })

export class WatchedDisk {
  /** `CALL path`, each at its beginning; what only looks is left out. */
  readonly calls: string[] = []
  /** Asked before each call; what it throws is the call's error. */
  fault: (call: string) => void = () => undefined
  readonly #root: string
  readonly #paths = new Map<Descriptor, string>()

  constructor(root: string) {
    this.#root = root
  }

  readonly disk: Disk = {
    ...localDisk,
    open: async (path, flags, mode) => {
      const file = await localDisk.open(path, flags, mode)
      this.#paths.set(file, path)
      return file
    },
    write: async (file, chunks) => {
      this.#note('write', this.#paths.get(file))
      return localDisk.write(file, chunks)
    },
    sync: async (file) => {
      this.#note('sync', this.#paths.get(file))
      return localDisk.sync(file)
    },
    link: async (from, to) => {
      this.#note('link', to)
      return localDisk.link(from, to)
    },
    rename: async (from, to) => {
      if (!to.endsWith('-absent')) this.#note('rename', to)
      return localDisk.rename(from, to)
    },
    unlink: async (path) => {
      this.#note('unlink', path)
      return localDisk.unlink(path)
    },
    makeFolder: async (path, mode) => {
      this.#note('make', path)
      return localDisk.makeFolder(path, mode)
    },
  }

  /** The calls since the last time they were taken, with what varies made short. */
  take(): string[] {
    return this.calls
      .splice(0)
      .map((call) => call.replace(/[0-9a-f]{64}/, 'X').replace(/[0-9a-f]{32}\./, ''))
  }

  #note(call: string, path = '?'): void {
    const line = `${call} ${relative(this.#root, path)}`
    this.calls.push(line)
    this.fault(line)
  }
}
