/**
 * Knows how bytes that come piece by piece are written to a file of this machine that the gateway has named, while the
 * request has only word of them: the number of each part before it is written, and the hash of all at the end.
 */
import { createHash } from 'node:crypto'
import { close, write } from 'node:fs'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { parseFilePlace } from '../program/file-place.js'
import { openOwn } from './own-file.js'

const queuedBytesMax = 4 * 1024 * 1024
const sheetBytes = 512 * 1024
const sparesMax = 4

const closeFile = promisify<number>(close)

export class OwnBody {
  /** What the request is to be given. */
  readonly stream = new Readable({ read: () => undefined })
  readonly #hash = createHash('sha256')
  /** Undefined where the gateway has no use for the bytes any more. */
  readonly #file: Promise<number | undefined>
  #tell: (place: string) => void = () => undefined
  #isWanted = true
  /** Memory that is filled from its beginning, and then written at once. */
  #sheet: Buffer = Buffer.allocUnsafeSlow(sheetBytes)
  #filled = 0
  #spares: Buffer[] = []
  #written = 0
  #queuedBytes = 0
  /** Whatever was filled is written in this order. */
  #writing: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #isClosed = false

  constructor() {
    // A request goes out with the first of its body.
    this.stream.push('0\n')
    const told = new Promise<string>((resolve) => {
      this.#tell = resolve
    })
    this.#file = told.then((text) => this.#open(text))
    this.#file.catch((error: unknown) => this.fail(asError(error)))
    // The request has its own way to learn of it.
    this.stream.on('error', () => undefined)
    this.stream.once('close', () => {
      if (!this.stream.readableEnded)
        this.fail(new Error('the request for these bytes is over'))
    })
  }

  /** The gateway says where they are to lie, or that it has no use for them. */
  told(place: string): void {
    if (parseFilePlace(place) === undefined) this.#isWanted = false
    this.#tell(place)
  }

  send(bytes: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    this.#hash.update(bytes)
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#sheet, this.#filled, at)
      this.#filled += copied
      at += copied
      if (this.#filled === sheetBytes) this.#turn()
    }
    return this.#queuedBytes > queuedBytesMax ? this.drained() : undefined
  }

  async drained(): Promise<void> {
    if (this.#filled > 0) this.#turn()
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Nothing is on its way to the file any more when the request hears of the end. */
  async end(): Promise<void> {
    await this.drained()
    await this.#close()
    if (this.#failure !== undefined) throw this.#failure
    this.stream.push(this.#hash.digest('hex'))
    this.stream.push(null)
  }

  fail(error: Error): void {
    this.#failure ??= error
    this.#tell('')
    this.stream.destroy(error)
    void this.#writing.then(() => this.#close())
  }

  async #open(text: string): Promise<number | undefined> {
    const place = parseFilePlace(text)
    return place === undefined ? undefined : openOwn(place, 'write')
  }

  /** Takes the next sheet, and writes what was filled when its turn comes. */
  #turn(): void {
    const sheet = this.#sheet
    const bytes = sheet.subarray(0, this.#filled)
    this.#sheet = this.#spares.pop() ?? Buffer.allocUnsafeSlow(sheetBytes)
    this.#filled = 0
    this.#queuedBytes += bytes.length
    this.#writing = this.#writing.then(async () => {
      try {
        if (this.#failure === undefined) await this.#write(bytes)
      } catch (error) {
        this.fail(asError(error))
      }
      this.#queuedBytes -= bytes.length
      if (this.#spares.length < sparesMax) this.#spares.push(sheet)
    })
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = await this.#file
    if (file === undefined || !this.#isWanted) return
    this.stream.push(`${bytes.length}\n`)
    for (let done = 0; done < bytes.length;) {
      done += await writeAt(file, bytes.subarray(done), this.#written + done)
    }
    this.#written += bytes.length
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const file = await this.#file.catch(() => undefined)
    if (file !== undefined) await closeFile(file)
  }
}

function writeAt(file: number, bytes: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, 0, bytes.length, position, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
