/** Knows how an object is read from a file of this machine that the gateway has named. */
import { closeSync, constants, fstatSync, open, read } from 'node:fs'
import { promisify } from 'node:util'
import type { FilePlace } from '../../fencing/ports.js'
import { isAt } from '../program/file-place.js'
import { CallError } from './errno.js'

const { O_RDONLY, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants
const openAt = promisify<string, number, number>(open)

/** Throws where something else has come to the place. */
export async function openOwn(place: FilePlace, use: 'read' | 'write'): Promise<number> {
  const flags = (use === 'read' ? O_RDONLY : O_WRONLY) | O_NOFOLLOW | O_NONBLOCK
  const file = await openAt(place.path, flags)
  const found = fstatSync(file)
  if (found.isFile() && isAt(place, found)) return file
  closeSync(file)
  throw new Error(`"${place.path}" is not the file that the gateway means`)
}

export class OwnFile {
  readonly #file: number
  #reading = 0
  #isClosed = false

  private constructor(file: number) {
    this.#file = file
  }

  static async open(place: FilePlace): Promise<OwnFile> {
    return new OwnFile(await openOwn(place, 'read'))
  }

  /** Into memory of its own: whoever has waited too long may have given the kernel's to another call. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#isClosed) throw new CallError('EBADF')
    const bytes = Buffer.allocUnsafeSlow(length)
    this.#reading += 1
    try {
      for (let done = 0; done < length;) {
        const found = await this.#fill(bytes.subarray(done), offset + done)
        if (found === 0) return bytes.subarray(0, done)
        done += found
      }
      return bytes
    } finally {
      this.#reading -= 1
      this.#closeIfIdle()
    }
  }

  /** Its number is given to the next file that is opened, so what is still on its way must have come first. */
  close(): void {
    this.#isClosed = true
    this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (this.#isClosed && this.#reading === 0) closeSync(this.#file)
  }

  #fill(bytes: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#file, bytes, 0, bytes.length, position, (error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    })
  }
}
