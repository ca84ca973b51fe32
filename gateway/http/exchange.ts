/** Knows one request and its answer, in the terms that every HTTP door shares. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Channel } from '../../fencing/evidence/presence.js'
import { describeClient, type Client } from '../../fencing/journal/event.js'
import { RequestBody } from './body.js'
import type { MemoryBudget } from './memory-budget.js'
import { networkOf } from './network.js'
import type { Line } from './line.js'
import type { Origin } from './proxy/origins.js'

/** What a door knows of a request, for its line in the log. */
export interface ExchangeNote {
  repository?: string
  object?: string
  tag?: string
  refused?: string
  /** Of the object that was sent or deleted. */
  objectBytes?: number
}

const exchanges = new WeakMap<IncomingMessage, Exchange>()

/** The exchange of a request that the HTTP server has handed to a door. */
export function exchangeOf(request: IncomingMessage): Exchange {
  const exchange = exchanges.get(request)
  if (exchange === undefined) throw new Error('a request must belong to an exchange')
  return exchange
}

export interface ExchangeParts {
  readonly id: string
  readonly line: Line
  readonly origin: Origin
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  readonly endNeighbours: (isKnown: (channelId: string) => boolean) => void
  readonly budget: MemoryBudget
}

/** `no-room`: so much is held of bodies that are not whole yet that the client is to try again. */
export type WholeBody =
  { readonly kind: 'whole'; readonly bytes: Buffer } | { readonly kind: 'too-long' | 'no-room' }

export class Exchange {
  readonly id: string
  readonly body: RequestBody
  readonly note: ExchangeNote = {}
  readonly #parts: ExchangeParts
  /** Made for those who ask for it: most requests are over before anybody could. */
  #gone: AbortController | undefined
  #isGone = false
  #user: string | undefined

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    const { request, answer } = parts
    this.id = parts.id
    this.body = new RequestBody(request)
    exchanges.set(request, this)
    answer.once('close', () => {
      // Over HTTP/2 one that was never ended is said to be finished where the client's end closes the stream.
      this.#isGone = !isAnswered(answer)
      if (this.#isGone) this.#gone?.abort()
    })
  }

  get client(): Client {
    const { address } = this.#parts.origin
    return this.#user === undefined ? { address } : { user: this.#user, address }
  }

  /** Who it is has been proved. */
  identify(user: string): void {
    this.#user = user
  }

  /** Reads a small body into memory, where there is room; the rest of one that is not taken is still to be drained. */
  async wholeBody(bytesMax: number): Promise<WholeBody> {
    const { budget } = this.#parts
    const client = this.#user ?? networkOf(this.#parts.origin.address)
    const chunks: Uint8Array[] = []
    let size = 0
    try {
      for await (const chunk of this.body.chunks) {
        if (size + chunk.length > bytesMax) return { kind: 'too-long' }
        if (!budget.take(client, chunk.length)) return { kind: 'no-room' }
        size += chunk.length
        chunks.push(chunk)
      }
      return { kind: 'whole', bytes: Buffer.concat(chunks) }
    } finally {
      budget.giveBack(client, size)
    }
  }

  /** Whoever is let in may ask more at once. */
  admit(): void {
    this.#parts.line.admit()
  }

  get isFromProxy(): boolean {
    return this.#parts.origin.isFromProxy
  }

  get channel(): Channel {
    const { line, origin } = this.#parts
    return typeof origin.channel === 'object' ? origin.channel : line.channel
  }

  get traffic(): Line['traffic'] {
    return this.#parts.line.traffic
  }

  /** What every line of the log about this request begins with. */
  get about(): Readonly<Record<string, string>> {
    return {
      request: this.id,
      channel: this.channel.id,
      client: describeClient(this.client),
      ...this.#named,
    }
  }

  get #named(): Readonly<Record<string, string>> {
    const { repository, object, tag, refused } = this.note
    return {
      ...(repository === undefined ? {} : { repository }),
      ...(object === undefined ? {} : { object }),
      ...(tag === undefined ? {} : { tag }),
      ...(refused === undefined ? {} : { refused }),
    }
  }

  /** Fires when the client goes away, or is broken off, before it was answered. */
  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.#isGone) this.#gone.abort()
    return this.#gone.signal
  }

  /**
   * Calls back once the answer has gone out whole, and only where the next request on the channel will prove that it
   * arrived. To be called before answering.
   */
  whenDelivered(callback: () => void): void {
    const { line, request, answer } = this.#parts
    line.whenDelivered(request, answer, callback)
  }

  /** To be called when nothing more will be asked of the gate for this request. */
  settle(): void {
    this.#parts.line.settle()
  }

  /** Closes the connection after this answer. To be called before answering. */
  endChannel(): void {
    const { line, answer } = this.#parts
    line.endAfter(answer)
  }

  /**
   * Closes whatever else this client has open and idle that does not say whose it is, so that its next request comes on a
   * line that does. It opens a new one where there is none.
   */
  endUnknownNeighbours(isKnown: (channelId: string) => boolean): void {
    this.#parts.endNeighbours(isKnown)
  }
}

/** To be asked of an answer that has closed: whether it went out whole. */
export function isAnswered(
  answer: Pick<ServerResponse, 'writableEnded' | 'writableFinished'>,
): boolean {
  return answer.writableEnded && answer.writableFinished
}
