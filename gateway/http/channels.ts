/** Knows all connections of one HTTP server: gives each request its turn, logs it, and ends them all. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { Clock } from '../../fencing/ports.js'
import { isProxied, SocketChannel } from './channel.js'
import { Exchange } from './exchange.js'
import { isBeyondLimits, refuseJunk } from './junk.js'
import type { HttpLimits } from './limits.js'
import { logExchange } from './request-log.js'

export interface ChannelsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: HttpLimits
  readonly onClosed: (channelId: string, byClient: boolean) => void
}

export type RequestHandler = (request: IncomingMessage, answer: ServerResponse) => void

export class Channels {
  readonly #options: ChannelsOptions
  readonly #channels = new Map<Duplex, SocketChannel>()
  #requests = 0
  #isClosing = false
  #whenEmpty: () => void = () => undefined

  constructor(options: ChannelsOptions) {
    this.#options = options
  }

  accept(socket: Socket): void {
    const { clock, limits, onClosed } = this.#options
    const openedAt = clock.monotonic()
    const { pipelinedMax } = limits
    const channel = new SocketChannel({ socket, openedAt, pipelinedMax, onClosed })
    this.#channels.set(socket, channel)
    socket.once('close', () => {
      this.#channels.delete(socket)
      if (this.#channels.size === 0) this.#whenEmpty()
    })
    if (this.#isClosing) channel.destroy()
  }

  /** Hands a request to the door when its turn has come. */
  serve(request: IncomingMessage, answer: ServerResponse, handle: RequestHandler): void {
    const { clock, logger, limits } = this.#options
    const channel = this.#channels.get(request.socket)
    if (channel === undefined) {
      request.socket.destroy()
      return
    }
    if (isProxied(request.headers)) channel.hide()
    const turn = channel.takeTurn(answer)
    if (turn === undefined) {
      channel.destroy()
      return
    }
    const exchange = new Exchange(this.#nextId(), channel, request, answer)
    logExchange({ exchange, request, answer, clock, logger })
    answer.once('close', () => {
      if (this.#isClosing) channel.end()
    })
    void turn.then(() => {
      // Nobody waits for it, and an answer without a connection would hold what it was given for ever.
      if (channel.isOver) return
      if (this.#isClosing) exchange.endChannel()
      if (!isBeyondLimits(request, answer, limits)) handle(request, answer)
    })
  }

  refuseJunk(error: NodeJS.ErrnoException, socket: Duplex): void {
    const channel = this.#channels.get(socket)
    if (channel === undefined) socket.destroy()
    else refuseJunk(error, channel)
  }

  /** Ends idle connections at once, the others after their answer, and what is left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    if (this.#channels.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    for (const channel of this.#channels.values()) channel.endWhenAnswered()
    const cancel = this.#options.clock.timer(graceMs, () => {
      for (const channel of this.#channels.values()) channel.destroy()
    })
    await empty
    cancel()
  }

  #nextId(): string {
    this.#requests += 1
    return `r${this.#requests}`
  }
}
