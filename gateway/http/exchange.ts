/** Knows one request and its answer, in the terms that every HTTP door shares. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Channel } from '../../fencing/presence.js'
import type { Client } from '../../fencing/event.js'
import { RequestBody } from './body.js'
import type { SocketChannel } from './channel.js'

/** What a door knows of a request, for its line in the log. */
export interface ExchangeNote {
  repository?: string
  object?: string
  tag?: string
  refused?: string
}

const exchanges = new WeakMap<IncomingMessage, Exchange>()

/** The exchange of a request that the HTTP server has handed to a door. */
export function exchangeOf(request: IncomingMessage): Exchange {
  const exchange = exchanges.get(request)
  if (exchange === undefined) throw new Error('a request must belong to an exchange')
  return exchange
}

export class Exchange {
  readonly id: string
  readonly client: Client
  readonly body: RequestBody
  readonly note: ExchangeNote = {}
  readonly #channel: SocketChannel
  readonly #answer: ServerResponse
  readonly #gone = new AbortController()
  #bytesAtEnd: number | undefined

  constructor(
    id: string,
    channel: SocketChannel,
    request: IncomingMessage,
    answer: ServerResponse,
  ) {
    this.id = id
    this.#channel = channel
    this.#answer = answer
    this.client = { address: addressOf(channel) }
    this.body = new RequestBody(request)
    exchanges.set(request, this)
    request.once('end', () => {
      this.#bytesAtEnd = channel.socket.bytesRead
    })
    answer.once('close', () => {
      if (!answer.writableFinished) this.#gone.abort()
    })
  }

  get channel(): Channel {
    return this.#channel.channel
  }

  /** What every line of the log about this request begins with. */
  get about(): Readonly<Record<string, string>> {
    const { id: channel } = this.#channel.channel
    return { request: this.id, channel, client: this.client.address, ...this.note }
  }

  /** Fires when the client goes away, or is broken off, before it was answered. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /**
   * Calls back once the answer has gone out whole, and only where the next request on the channel will prove that it
   * arrived. To be called before answering.
   */
  whenDelivered(callback: () => void): void {
    this.#answer.once('finish', () => {
      if (this.#bytesAtEnd !== this.#channel.socket.bytesRead) this.#channel.notePipelined()
      if (this.#channel.provesArrival) callback()
    })
  }

  /** To be called when nothing more will be asked of the gate for this request. */
  settle(): void {
    this.#channel.settle()
  }

  /** Closes the connection after this answer. To be called before answering. */
  endChannel(): void {
    this.#channel.noteEnding()
    this.#answer.setHeader('connection', 'close')
  }
}

function addressOf(channel: SocketChannel): string {
  const address = channel.socket.remoteAddress ?? 'unknown'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
