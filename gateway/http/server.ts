/** Knows how to serve HTTP on one listener and to stop, within limits; what is asked of it is the doors' business. */
import type { Logger } from 'pino'
import type { TrustedRange } from '../../config/trusted-range.js'
import type { Clock, FilePlace } from '../../fencing/ports.js'
import type { Gate } from '../gate/gate.js'
import { createRestDoor } from '../rest/door.js'
import { createDavDoor } from '../webdav/door.js'
import type { PlainFiles } from '../webdav/plain-files.js'
import { isDavRequest } from '../webdav/target.js'
import type { AccessLog } from './access-log.js'
import { tell } from './answer.js'
import { exchangeOf } from './exchange.js'
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
import type { Overlays } from '../overlay/overlays.js'

export interface HttpServerOptions {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  /** A line for each request in a format that other programs read. */
  readonly accessLog?: AccessLog
  /** Deletions other than of locks are not allowed through this server. */
  readonly isAppendOnly: boolean
  /** A user may enter only the repositories below the folder of its own name. */
  readonly isPrivate?: boolean
  /** The folder of the repositories, where all clients are of this user and machine and may be told where bytes lie. */
  readonly ownDisk?: FilePlace
  readonly watch?: ExchangeWatcher
  /** What a monitor scrapes, where it is to be had. */
  readonly metrics?: MetricsDoor
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
  /** What a proxy takes off each address, where it does not say so itself. */
  readonly basePath?: string
  /** Of all listeners, for bodies that are read into memory. */
  readonly budget?: MemoryBudget
  /** False switches the WebDAV door off. */
  readonly hasDav?: boolean
  /** Answers the addresses of the browser of snapshots, where there is one. */
  readonly browser?: (isPrivate: boolean) => SnapshotBrowser
  /** Repositories as they would be with items of the quarantine released. */
  readonly overlays?: Overlays
  /** Where the WebDAV door may keep folders that are no repository: ordinary storage, unfenced. */
  readonly plain?: PlainFiles
}

/** A door of its own: what it answers, and how. */
export interface SnapshotBrowser {
  readonly takes: (url: string) => boolean
  readonly handle: RequestHandler
}

export interface MetricsDoor {
  readonly handle: RequestHandler
  /** It asks nobody who they are. */
  readonly isOpen: boolean
}

export interface HttpServer {
  /** Rejects with Node's own error (`code` EADDRINUSE, EACCES…) where the address cannot be had. */
  readonly listen: (where: ListenOptions) => Promise<Listening>
  /** New connections get this certificate; the open ones keep theirs. */
  readonly replaceCertificate: (tls: TlsSettings) => void
  /** Takes no more connections, lets requests end, and breaks off what is left after `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>
}

const metricsUser = 'metrics'

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { gate, clock, logger, isAppendOnly, isPrivate = false, ownDisk, tls } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const onClosed = (id: string, byClient: boolean): void => {
    gate.closed(id, byClient)
    options.overlays?.closed(id)
  }
  const { trusted = [] } = options
  const limitLog = new LimitLog(logger, clock.monotonic)
  const parts: { front?: Front } = {}
  const channels = new Channels({
    clock,
    logger,
    limits,
    budget: options.budget ?? new MemoryBudget(defaultBudget),
    onClosed,
    trusted,
    ...(options.accessLog === undefined ? {} : { accessLog: options.accessLog }),
    ...(options.watch === undefined ? {} : { watch: options.watch }),
    sourceOf: (socket) => parts.front?.sourceOf(socket),
  })
  const dav = options.hasDav === false ? undefined : createDavDoor({ ...options, isPrivate })
  const browser = options.browser?.(isPrivate)
  const rest = createRestDoor({
    ...{ gate, logger, isAppendOnly, isPrivate },
    ...(ownDisk === undefined ? {} : { ownDisk }),
    ...(options.overlays === undefined ? {} : { overlays: options.overlays }),
  })
  const handle = admitted(options, { limitLog, limits }, doors(rest, dav, browser))
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
      gate.close()
      await channels.close(graceMs)
      await stopped
      node.end()
    },
  }
}

function admitted(
  { authenticate, names, metrics, isPrivate = false }: HttpServerOptions,
  { limitLog, limits }: { readonly limitLog: LimitLog; readonly limits: HttpLimits },
  doors: RequestHandler,
): RequestHandler {
  const { refusedBodyTimeoutMs: bodyTimeoutMs } = limits
  const parts = { names, bodyTimeoutMs, limitLog }
  const open = metrics?.isOpen === true ? metrics.handle : undefined
  const closed = metrics?.isOpen === false ? metricsFor(metrics.handle, isPrivate) : undefined
  const handle = withMetrics(closed, doors)
  const asking =
    authenticate === undefined ? handle : admitting({ ...parts, authenticate }, handle)
  return withoutPages(parts, withMetrics(open, asking))
}

function withMetrics(
  metrics: RequestHandler | undefined,
  handle: RequestHandler,
): RequestHandler {
  if (metrics === undefined) return handle
  return (request, answer) => {
    const isAsked = request.method === 'GET' && /^\/metrics(?:\?|$)/.test(request.url ?? '')
    if (isAsked) metrics(request, answer)
    else handle(request, answer)
  }
}

/** Where each user has folders of its own, only the user `metrics` may see what all of them do, as in rest-server. */
function metricsFor(handle: RequestHandler, isPrivate: boolean): RequestHandler {
  return (request, answer) => {
    const { user } = exchangeOf(request).client
    if (!isPrivate || user === metricsUser) handle(request, answer)
    else tell(answer, { status: 401, sentence: 'Only the user "metrics" may read metrics.' })
  }
}

/** WebDAV and the browser have addresses of their own; every other one is REST's. */
function doors(
  rest: RequestHandler,
  dav: RequestHandler | undefined,
  browser: SnapshotBrowser | undefined,
): RequestHandler {
  return (request, answer) => {
    const url = request.url ?? ''
    if (browser?.takes(url) === true) browser.handle(request, answer)
    else if (dav !== undefined && isDavRequest(request)) dav(request, answer)
    else rest(request, answer)
  }
}
