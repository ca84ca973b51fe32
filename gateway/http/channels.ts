/** Keeps all connections of one HTTP server: gives each request its turn, logs it, and ends them all. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { TrustedRange } from '../../config/trusted-range.js'
import type { Clock } from '../../fencing/ports.js'
import { accessLine, type AccessLog } from './access-log.js'
import { SocketChannel } from './channel.js'
import { staysOpenAfter } from './constants.js'
import { Exchange, isAnswered } from './exchange.js'
import { isBeyondLimits, refuseJunk } from './junk.js'
import type { HttpLimits } from './limits.js'
import type { MemoryBudget } from './memory-budget.js'
import type { Line } from './line.js'
import type { ExchangeWatcher } from './over-exchange.js'
import { Origins, type Origin } from './proxy/origins.js'
import { logExchange } from './request-log.js'
import { SessionChannel } from './session-channel.js'

export interface ChannelsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly accessLog?: AccessLog
  readonly watch?: ExchangeWatcher
  readonly limits: HttpLimits
  readonly budget: MemoryBudget
  readonly onClosed: (channelId: string, byClient: boolean) => void
  readonly trusted: readonly TrustedRange[]
  /** Whom a connection comes from, by itself or by a PROXY header's word; undefined on a Unix socket. */
  readonly sourceOf: (socket: Socket) => string | undefined
}

export type RequestHandler = (request: IncomingMessage, answer: ServerResponse) => void

export class Channels {
  readonly #options: ChannelsOptions
  readonly #channels = new Map<Duplex, SocketChannel>()
  readonly #sessions = new Map<ServerHttp2Session, SessionChannel>()
  readonly #origins: Origins
  /** Whom the log has been told of: declared proxies that name no line, or others. */
  readonly #toldOf = new Set<boolean>()
  /** Names of requests stand in journals and logs, so no two runs and no two listeners may share one. */
  readonly #run = randomBytes(4).toString('hex')
  #requests = 0
  #isClosing = false
  #whenEmpty: () => void = () => undefined

  constructor(options: ChannelsOptions) {
    this.#options = options
    this.#origins = new Origins(options)
  }

  accept(socket: Socket): void {
    const { clock, limits, onClosed, sourceOf } = this.#options
    const openedAt = clock.monotonic()
    const peer = sourceOf(socket)
    const channel = new SocketChannel({ ...limits, socket, peer, openedAt, onClosed })
    this.#channels.set(socket, channel)
    socket.once('close', () => {
      this.#channels.delete(socket)
      this.#noteClosed()
    })
    if (this.#isClosing) channel.destroy()
  }

  acceptSession(session: ServerHttp2Session): void {
    const { clock, onClosed, sourceOf } = this.#options
    const peer = sourceOf(session.socket)
    const openedAt = clock.monotonic()
    const channel = new SessionChannel({ session, peer, openedAt, onClosed })
    this.#sessions.set(session, channel)
    session.once('close', () => {
      this.#sessions.delete(session)
      this.#noteClosed()
    })
    if (this.#isClosing) channel.destroy()
  }

  /** Hands a request to the door when its turn has come. */
  serve(request: IncomingMessage, answer: ServerResponse, handle: RequestHandler): void {
    const { clock, logger, limits, accessLog, watch, budget } = this.#options
    const line = this.#lineOf(request)
    if (line === undefined) {
      request.socket.destroy()
      return
    }
    const origin = this.#origins.of(request, line.peer, line.channel.id)
    if (origin.channel === 'hidden') this.#hide(line, origin)
    if (!staysOpenAfter(request)) line.channel.staysOpen = false
    const turn = line.takeTurn(answer)
    if (turn === undefined) {
      line.destroy()
      return
    }
    const endNeighbours = (isKnown: (channelId: string) => boolean): void => {
      // A proxy's own connections carry many clients' requests, and closing one breaks another's.
      if (typeof origin.channel === 'string') this.#endIdleNeighbours(line, isKnown)
    }
    const id = this.#nextId()
    const exchange = new Exchange({ id, line, origin, request, answer, endNeighbours, budget })
    logExchange({ exchange, request, answer, clock, logger })
    if (accessLog !== undefined) {
      answer.once('close', () => {
        const now = new Date(clock.now())
        accessLog.write(accessLine({ exchange, request, answer, now }))
      })
    }
    if (watch !== undefined) {
      answer.once('close', () =>
        watch({ exchange, request, answer, isAnswered: isAnswered(answer) }),
      )
    }
    answer.once('close', () => {
      if (this.#isClosing) line.end()
    })
    void turn.then(() => {
      // Nobody waits for it, and an answer without a connection would hold what it was given for ever.
      if (line.isOver) return
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
    if (this.#isEmpty) return
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    for (const line of this.#lines()) line.endWhenAnswered()
    const cancel = this.#options.clock.timer(graceMs, () => {
      for (const line of this.#lines()) line.destroy()
    })
    await empty
    cancel()
  }

  /** Idle lines from where this one comes from, but for those that it is known of whose they are. */
  #endIdleNeighbours(line: Line, isKnown: (channelId: string) => boolean): void {
    if (line.peer === undefined || line.channel.isHidden) return
    for (const other of this.#channels.values()) {
      const isNeighbour = other !== line && other.peer === line.peer && other.isIdle
      if (isNeighbour && !other.channel.isHidden && !isKnown(other.channel.id)) other.end()
    }
  }

  #hide(line: Line, { address, isFromProxy }: Origin): void {
    line.hide()
    if (this.#toldOf.has(isFromProxy)) return
    this.#toldOf.add(isFromProxy)
    const remedy = isFromProxy
      ? 'let it send X-Connection-Id'
      : 'name it with --trusted-proxy and let it send X-Forwarded-For and X-Connection-Id'
    this.#options.logger.warn(
      { proxy: line.peer ?? 'local', client: address },
      `a proxy hides which run is writing, so runs without tags are put off: ${remedy}`,
    )
  }

  #lineOf(request: IncomingMessage): Line | undefined {
    const { stream } = request as Partial<Pick<Http2ServerRequest, 'stream'>>
    if (stream === undefined) return this.#channels.get(request.socket)
    return stream.session === undefined
      ? undefined
      : this.#sessions.get(stream.session as ServerHttp2Session)
  }

  #lines(): Line[] {
    return [...this.#sessions.values(), ...this.#channels.values()]
  }

  get #isEmpty(): boolean {
    return this.#channels.size === 0 && this.#sessions.size === 0
  }

  #noteClosed(): void {
    if (this.#isEmpty) this.#whenEmpty()
  }

  #nextId(): string {
    this.#requests += 1
    return `${this.#run}-${this.#requests.toString(36)}`
  }
}
