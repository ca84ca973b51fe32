/** Knows how to listen for HTTP/1.1 and to stop, within limits; what is asked of it is the doors' business. */
import { createServer, type Server } from 'node:http'
import type { Logger } from 'pino'
import { fastify, type FastifyInstance } from 'fastify'
import type { Clock } from '../../fencing/ports.js'
import type { Gate } from '../gate/gate.js'
import { restDoor } from '../rest/door.js'
import { createDavDoor } from '../webdav/door.js'
import type { PlainFiles } from '../webdav/plain-files.js'
import { isDavUrl } from '../webdav/target.js'
import { Channels, type RequestHandler } from './channels.js'
import { refuseAddress } from './junk.js'
import { defaultHttpLimits, type HttpLimits } from './limits.js'

export interface HttpServerOptions {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  /** Deletions other than of locks are not allowed through this server. */
  readonly isAppendOnly: boolean
  readonly limits?: Partial<HttpLimits>
  /** False switches the WebDAV door off. */
  readonly hasDav?: boolean
  /** Where the WebDAV door may keep folders that are no repository: ordinary storage, unfenced. */
  readonly plain?: PlainFiles
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface Listening {
  /** As in a URL: `127.0.0.1:8000`, `[::1]:8000`. */
  readonly address: string
  readonly port: number
}

export interface HttpServer {
  /** Rejects with Node's own error (`code` EADDRINUSE, EACCES…) where the address cannot be had. */
  readonly listen: (where: ListenOptions) => Promise<Listening>
  /** Takes no more connections, lets requests end, and breaks off what is left after `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { gate, clock, logger, isAppendOnly } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const onClosed = (id: string, byClient: boolean): void => gate.closed(id, byClient)
  const channels = new Channels({ clock, logger, limits, onClosed })
  const dav = options.hasDav === false ? undefined : createDavDoor(options)
  const app = createRouter(channels, limits, dav)
  app.register(restDoor, { gate, logger, isAppendOnly })
  return {
    listen: async (where) => {
      await app.ready()
      return listen(app.server, where)
    },
    close: async (graceMs) => {
      const stopped = stopListening(app.server)
      gate.close()
      await channels.close(graceMs)
      await stopped
      await app.close()
    },
  }
}

/**
 * Fastify finds the route and writes the answer, except for WebDAV, which has a shell of its own; connections and their
 * limits are kept by Channels.
 */
function createRouter(
  channels: Channels,
  limits: HttpLimits,
  dav: RequestHandler | undefined,
): FastifyInstance {
  return fastify({
    logger: false,
    exposeHeadRoutes: false,
    clientErrorHandler: () => undefined,
    frameworkErrors: (_error, request, reply) => refuseAddress(request.raw, reply.raw),
    serverFactory: (router) => {
      const handle: RequestHandler = (request, answer) => {
        if (dav !== undefined && isDavUrl(request.url ?? '')) dav(request, answer)
        else router(request, answer)
      }
      const server = createServer(serverOptionsOf(limits), (request, answer) =>
        channels.serve(request, answer, handle),
      )
      server.maxConnections = limits.connectionsMax
      // One more than allowed, so that too many can be told from just enough: Node drops the rest without a word.
      server.maxHeadersCount = limits.headersMax + 1
      server.timeout = limits.progressTimeoutMs
      server.on('connection', (socket) => channels.accept(socket))
      server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
        channels.refuseJunk(error, socket),
      )
      return server
    },
  })
}

function serverOptionsOf(limits: HttpLimits): Parameters<typeof createServer>[0] & object {
  return {
    maxHeaderSize: limits.headerBytesMax,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    // A body has no limit on its whole time, only on progress (`server.timeout`).
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(30_000, Math.ceil(limits.headersTimeoutMs / 4)),
  }
}

async function listen(server: Server, { host, port }: ListenOptions): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port')
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return { address: `${name}:${bound.port}`, port: bound.port }
}

async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
}
