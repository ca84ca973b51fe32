/** Knows how to serve HTTP on one listener and to stop, within limits; what is asked of it is the doors' business. */
import type { Logger } from 'pino'
import type { TrustedRange } from '../../config/trusted-range.js'
import type { Clock } from '../../fencing/ports.js'
import type { AccessLog } from './access-log.js'
import { admitting, withoutPages } from './admission.js'
import type { Authenticator } from './authentication/authenticator.js'
import { Channels, type RequestHandler } from './channels.js'
import { createFront, type Front } from './front.js'
import { LimitLog } from './limit-log.js'
import type { ExchangeWatcher } from './over-exchange.js'
import { defaultHttpLimits, type HttpLimits } from './limits.js'
import { listen, stopListening, type Listening, type ListenOptions } from './listening.js'
import { defaultBudget, MemoryBudget } from './memory-budget.js'
import { createNodeServer, type TlsSettings } from './node-server.js'

/** What answers: it is handed to the server, which knows nothing of what it is asked. */
export interface Doors {
  /** Answers whoever was let in. */
  readonly handle: RequestHandler
  /** Takes what is answered without asking who it is, and says whether that was one of it. */
  readonly takesFromAnybody?: RequestTaker
  /** A channel has closed. */
  readonly closed: (channel: string, byClient: boolean) => void
  /** Nobody waits in them any more. */
  readonly close: () => void
}

/** Answers the request and says true, or leaves it as it is. */
export type RequestTaker = (...request: Parameters<RequestHandler>) => boolean

export interface HttpServerOptions {
  readonly doors: Doors
  readonly clock: Clock
  readonly logger: Logger
  /** A line for each request in a format that other programs read. */
  readonly accessLog?: AccessLog
  readonly watch?: ExchangeWatcher
  /** Everybody may come in without one. */
  readonly authenticate?: Authenticator
  /** Names, beside those of this machine, that may lead here; any may where it is left out. */
  readonly names?: readonly string[]
  /** Proxies that may say who is behind them. */
  readonly trusted?: readonly TrustedRange[]
  /** Every connection begins with a PROXY header, from trusted addresses only. */
  readonly speaksProxyProtocol?: boolean
  readonly tls?: TlsSettings
  readonly limits?: Partial<HttpLimits>
  /** Of all listeners, for bodies that are read into memory. */
  readonly budget?: MemoryBudget
}

export interface HttpServer {
  /** Rejects with Node's own error (`code` EADDRINUSE, EACCES…) where the address cannot be had. */
  readonly listen: (where: ListenOptions) => Promise<Listening>
  /** New connections get this certificate; the open ones keep theirs. */
  readonly replaceCertificate: (tls: TlsSettings) => void
  /** Takes no more connections, lets requests end, and breaks off what is left after `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { doors, clock, logger, tls } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const { trusted = [] } = options
  const limitLog = new LimitLog(logger, clock.monotonic)
  const parts: { front?: Front } = {}
  const channels = new Channels({
    clock,
    logger,
    limits,
    budget: options.budget ?? new MemoryBudget(defaultBudget),
    onClosed: doors.closed,
    trusted,
    ...(options.accessLog === undefined ? {} : { accessLog: options.accessLog }),
    ...(options.watch === undefined ? {} : { watch: options.watch }),
    sourceOf: (socket) => parts.front?.sourceOf(socket),
  })
  const handle = admitted(options, { limitLog, limits })
  const node = createNodeServer({ channels, limits, handle, ...(tls && { tls }) })
  const front = createFront({
    ...{ trusted, limits, limitLog },
    speaksProxyProtocol: options.speaksProxyProtocol === true,
    allowHalfOpen: tls === undefined,
    accept: (socket) => void node.server.emit('connection', socket),
  })
  parts.front = front
  return {
    listen: async (where) => {
      node.watchTimes()
      return listen(front.server, where)
    },
    replaceCertificate: (next) => node.replaceCertificate(next),
    close: async (graceMs) => {
      const stopped = stopListening(front.server)
      doors.close()
      await channels.close(graceMs)
      await stopped
      node.end()
    },
  }
}

function admitted(
  { doors, authenticate, names }: HttpServerOptions,
  { limitLog, limits }: { readonly limitLog: LimitLog; readonly limits: HttpLimits },
): RequestHandler {
  const { handle, takesFromAnybody } = doors
  const { refusedBodyTimeoutMs: bodyTimeoutMs } = limits
  const parts = { names, bodyTimeoutMs, limitLog }
  const asking =
    authenticate === undefined ? handle : admitting({ ...parts, authenticate }, handle)
  return withoutPages(parts, (request, answer) => {
    if (takesFromAnybody?.(request, answer) !== true) asking(request, answer)
  })
}
