/** Knows how bytes that come piece by piece are handed to a request, no faster than it takes them. */
import { Readable } from 'node:stream'

const heldBytesMax = 2 * 1024 * 1024

export class BodyStream extends Readable {
  #whenWanted: (() => void)[] = []
  #isWanted = true
  #failure: Error | undefined

  constructor() {
    super({ highWaterMark: heldBytesMax })
    // It is told to whoever sends next; the request has its own way to learn of it.
    this.on('error', (error) => {
      this.#failure = error
    })
    this.once('close', () => this.#wake())
  }

  /** Resolves when more can be sent; rejects once the request has failed. */
  send(bytes: Buffer): Promise<void> | undefined {
    this.#check()
    this.#isWanted = this.push(bytes)
    return this.#isWanted ? undefined : this.#wanted()
  }

  /** Resolves when the request has taken all that was sent. */
  async drained(): Promise<void> {
    this.#check()
    while (this.readableLength > 0) await this.#wanted()
  }

  end(): void {
    this.push(null)
  }

  override _read(): void {
    this.#wake()
  }

  #wake(): void {
    this.#isWanted = true
    const waiting = this.#whenWanted
    this.#whenWanted = []
    for (const resolve of waiting) resolve()
  }

  async #wanted(): Promise<void> {
    await new Promise<void>((resolve) => this.#whenWanted.push(resolve))
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.destroyed) throw new Error('the request that takes these bytes is over')
  }
}
