/** Knows how to serve HTTP on one listener and to stop, within limits; what is asked of it is the doors' business. */
import type { Server } from 'node:net'
import { fastify, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { TrustedRange } from '../../config/trusted-range.js'
import type { Clock, FilePlace } from '../../fencing/ports.js'
import type { Gate } from '../gate/gate.js'
import { restDoor } from '../rest/door.js'
import { createDavDoor } from '../webdav/door.js'
import type { PlainFiles } from '../webdav/plain-files.js'
import { isDavUrl } from '../webdav/target.js'
import type { AccessLog } from './access-log.js'
import { admitting } from './admission.js'
import type { Authenticator } from './authentication/authenticator.js'
import { Channels, type RequestHandler } from './channels.js'
import { refuseAddress } from './junk.js'
import { defaultHttpLimits, type HttpLimits } from './limits.js'
import { listen, stopListening, type Listening, type ListenOptions } from './listening.js'
import { createNodeServer, type NodeServer, type TlsSettings } from './node-server.js'
import { createProxyFront, type ProxyFront } from './proxy/proxy-front.js'
import { withoutSchemas } from './without-schemas.js'

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
  /** Everybody may come in without one. */
  readonly authenticate?: Authenticator
  /** Proxies that may say who is behind them. */
  readonly trusted?: readonly TrustedRange[]
  /** Every connection begins with a PROXY header, from trusted addresses only. */
  readonly speaksProxyProtocol?: boolean
  readonly tls?: TlsSettings
  readonly limits?: Partial<HttpLimits>
  /** False switches the WebDAV door off. */
  readonly hasDav?: boolean
  /** Answers the addresses of the browser of snapshots, where there is one. */
  readonly browser?: (isPrivate: boolean) => SnapshotBrowser
  /** Where the WebDAV door may keep folders that are no repository: ordinary storage, unfenced. */
  readonly plain?: PlainFiles
}

/** A door of its own: what it answers, and how. */
export interface SnapshotBrowser {
  readonly takes: (url: string) => boolean
  readonly handle: RequestHandler
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
  const { gate, clock, logger, isAppendOnly, isPrivate = false, ownDisk, tls } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const onClosed = (id: string, byClient: boolean): void => gate.closed(id, byClient)
  const { trusted = [] } = options
  const parts: { server?: NodeServer; front?: ProxyFront } = {}
  const channels = new Channels({
    clock,
    logger,
    limits,
    onClosed,
    trusted,
    ...(options.accessLog === undefined ? {} : { accessLog: options.accessLog }),
    sourceOf: (socket) => parts.front?.sourceOf(socket),
  })
  const dav = options.hasDav === false ? undefined : createDavDoor({ ...options, isPrivate })
  const browser = options.browser?.(isPrivate)
  const app = createRouter((router) => {
    const handle = admitted(options, doors(router, dav, browser))
    parts.server = createNodeServer({ channels, limits, handle, ...(tls && { tls }) })
    return parts.server.server
  })
  if (options.speaksProxyProtocol === true) {
    const { headersTimeoutMs: headerTimeoutMs, connectionsMax } = limits
    const accept = (socket: unknown): boolean => app.server.emit('connection', socket)
    parts.front = createProxyFront({ trusted, headerTimeoutMs, connectionsMax, accept })
  }
  app.register(restDoor, {
    ...{ gate, logger, isAppendOnly, isPrivate },
    ...(ownDisk === undefined ? {} : { ownDisk }),
  })
  const listening = (): Server => parts.front?.server ?? app.server
  return {
    listen: async (where) => {
      await app.ready()
      return listen(listening(), where)
    },
    replaceCertificate: (next) => parts.server?.replaceCertificate(next),
    close: async (graceMs) => {
      const stopped = stopListening(listening())
      gate.close()
      await channels.close(graceMs)
      await stopped
      await app.close()
    },
  }
}

function admitted({ authenticate }: HttpServerOptions, handle: RequestHandler): RequestHandler {
  return authenticate === undefined ? handle : admitting(authenticate, handle)
}

/** WebDAV and the browser have addresses of their own; every other one is REST's. */
function doors(
  router: RequestHandler,
  dav: RequestHandler | undefined,
  browser: SnapshotBrowser | undefined,
): RequestHandler {
  return (request, answer) => {
    const url = request.url ?? ''
    if (browser?.takes(url) === true) browser.handle(request, answer)
    else if (dav !== undefined && isDavUrl(url)) dav(request, answer)
    else router(request, answer)
  }
}

/** Fastify finds REST's routes and writes its answers; connections and their limits are kept by Channels. */
function createRouter(
  serverOf: (router: RequestHandler) => NodeServer['server'],
): FastifyInstance {
  return fastify({
    ...withoutSchemas,
    logger: false,
    exposeHeadRoutes: false,
    clientErrorHandler: () => undefined,
    frameworkErrors: (_error, request, reply) => refuseAddress(request.raw, reply.raw),
    serverFactory: (router) => serverOf(router),
  })
}
