/** Knows which number stands for which open file. */
import { CallError } from './errno.js'
import type { Handle } from './operations.js'

/** The kernel's side of fuse-native keeps a signed 32-bit number, and 0 for none. */
const handleMax = 2 ** 31 - 1

export class OpenFiles<File> {
  readonly #files = new Map<Handle, File>()
  #last = 0

  add(file: File): Handle {
    do {
      this.#last = this.#last >= handleMax ? 1 : this.#last + 1
    } while (this.#files.has(this.#last))
    this.#files.set(this.#last, file)
    return this.#last
  }

  get(handle: Handle): File {
    const file = this.#files.get(handle)
    if (file === undefined) throw new CallError('EBADF')
    return file
  }

  take(handle: Handle): File | undefined {
    const file = this.#files.get(handle)
    this.#files.delete(handle)
    return file
  }

  get size(): number {
    return this.#files.size
  }
}
