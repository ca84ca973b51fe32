/** Knows how bytes that come piece by piece are copied, gathered and handed to a request, no faster than it takes them. */
import { Readable } from 'node:stream'

const queuedBytesMax = 4 * 1024 * 1024
/** Handed on at once, where so much waits: each piece is a turn of the socket at both ends. */
const pieceBytesMax = 512 * 1024

/** Memory that is filled once, from its beginning to its end. */
interface Sheet {
  readonly memory: Buffer
  filled: number
  /** Up to here it has been handed on. */
  taken: number
}

export class BodyStream {
  /** What the request is to be given. */
  readonly stream = Readable.from(this.#bytes(), { objectMode: false, highWaterMark: 1 })
  /** All but the last are full. */
  #sheets: Sheet[] = []
  #queuedBytes = 0
  #isEnded = false
  #failure: Error | undefined
  #watchers: (() => void)[] = []

  constructor() {
    // The request has its own way to learn of it.
    this.stream.on('error', () => undefined)
    this.stream.once('close', () => this.fail(new Error('the request for these bytes is over')))
  }

  /** Copies the bytes at once. Where it answers a promise, more is to be sent only after that. Both ways it fails once the request has failed. */
  send(bytes: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    this.#keep(bytes)
    this.#queuedBytes += bytes.length
    this.#changed()
    return this.#queuedBytes > queuedBytesMax ? this.#atMost(queuedBytesMax) : undefined
  }

  /** Resolves when the request has taken all that was sent. */
  async drained(): Promise<void> {
    await this.#atMost(0)
  }

  end(): void {
    this.#isEnded = true
    this.#changed()
  }

  /** Breaks the request off, if it is not over. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#sheets = []
    this.#queuedBytes = 0
    this.#changed()
  }

  async #atMost(bytes: number): Promise<void> {
    while (this.#failure === undefined && this.#queuedBytes > bytes) await this.#change()
    if (this.#failure !== undefined) throw this.#failure
  }

  async *#bytes(): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      const bytes = this.#nextPiece()
      if (bytes !== undefined) {
        yield bytes
        // It is asked for the next one when this one has been taken.
        this.#queuedBytes = Math.max(0, this.#queuedBytes - bytes.length)
        this.#changed()
      } else if (this.#isEnded) return
      else await this.#change()
    }
  }

  #keep(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      let sheet = this.#sheets.at(-1)
      if (sheet === undefined || sheet.filled === pieceBytesMax) {
        sheet = { memory: Buffer.allocUnsafeSlow(pieceBytesMax), filled: 0, taken: 0 }
        this.#sheets.push(sheet)
      }
      const copied = bytes.copy(sheet.memory, sheet.filled, at)
      sheet.filled += copied
      at += copied
    }
  }

  #nextPiece(): Buffer | undefined {
    const [sheet] = this.#sheets
    if (sheet === undefined || sheet.taken === sheet.filled) return undefined
    const piece = sheet.memory.subarray(sheet.taken, sheet.filled)
    sheet.taken = sheet.filled
    if (sheet.filled === pieceBytesMax) this.#sheets.shift()
    return piece
  }

  #changed(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const resolve of watchers) resolve()
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }
}
