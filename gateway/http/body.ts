/** Knows how to receive the body of a request without holding it. */
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import type { UploadBody } from '../gate/gate.js'

export class RequestBody implements UploadBody {
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  get size(): number | undefined {
    const length = this.#request.headers['content-length']
    return length === undefined ? undefined : Number(length)
  }

  /** Ends with an error where the client goes away. Whoever stops early leaves a body that can still be drained. */
  get chunks(): AsyncIterable<Uint8Array> {
    return this.#request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  }

  /** Resolves at the end of the body, or when the client has gone away; only the limit on progress bounds it. */
  async drain(): Promise<void> {
    this.#request.resume()
    // Most requests have no body: nothing of it is still to come.
    if (this.#request.complete && this.#request.readableLength === 0) return
    try {
      await finished(this.#request, { writable: false })
    } catch {
      // Nobody is left to be answered.
    }
  }

  /** As `drain`, but not for longer; answers whether the body has ended. */
  async drainWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ms)
    })
    try {
      return await Promise.race([this.drain().then(() => true), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
