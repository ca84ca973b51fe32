/** Knows Node's three servers: plain, over TLS, and over TLS with HTTP/2; and what each must be told to stay bounded. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureVersion, TLSSocket } from 'node:tls'
import type { Channels, RequestHandler } from './channels.js'
import type { HttpLimits } from './limits.js'
import { streamsBeforeLogin } from './session-channel.js'

export interface TlsSettings {
  /** PEM. */
  readonly certificate: Buffer
  readonly key: Buffer
  /** Certificates of those who sign the clients' certificates: with it a client must show one. */
  readonly clientCa?: Buffer
  readonly versionMin?: SecureVersion
  /** Offers HTTP/2 beside HTTP/1.1. It has no reason phrase, so restic does not print why it was refused. */
  readonly http2: boolean
}

export interface NodeServerOptions {
  readonly channels: Channels
  readonly limits: HttpLimits
  readonly handle: RequestHandler
  readonly tls?: TlsSettings
}

export interface NodeServer {
  readonly server: Server
  readonly replaceCertificate: (tls: TlsSettings) => void
  /** It is handed its connections: Node looks after their times only where it is told that the server listens. */
  readonly watchTimes: () => void
  readonly end: () => void
}

export function createNodeServer(options: NodeServerOptions): NodeServer {
  const { channels, limits, handle, tls } = options
  const serve = (request: IncomingMessage, answer: ServerResponse): void =>
    channels.serve(request, answer, handle)
  if (tls === undefined) {
    const server = createServer(timesOf(limits), serve)
    bound(server, limits)
    server.on('connection', (socket: Socket) => channels.accept(socket))
    refuseJunkOf(server, channels)
    return { server, replaceCertificate: () => undefined, ...lifeOf(server) }
  }
  const server = tls.http2
    ? createHttp2Server(tls, limits, serve, channels)
    : createTlsServer({ ...timesOf(limits), ...secureOptionsOf(tls) }, serve)
  bound(server, limits)
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') channels.accept(socket)
  })
  refuseJunkOf(server, channels)
  const replaceCertificate = (next: TlsSettings): void =>
    server.setSecureContext(secureOptionsOf(next))
  // What differs between the three is of no concern to whoever routes requests.
  return { server: server as unknown as Server, replaceCertificate, ...lifeOf(server) }
}

function lifeOf(
  server: Server | TlsServer | Http2SecureServer,
): Pick<NodeServer, 'watchTimes' | 'end'> {
  return {
    watchTimes: () => void server.emit('listening'),
    // Says that it does not listen, which is right.
    end: () => void server.close(() => undefined),
  }
}

function createHttp2Server(
  tls: TlsSettings,
  limits: HttpLimits,
  serve: (request: IncomingMessage, answer: ServerResponse) => void,
  channels: Channels,
): Http2SecureServer {
  const server = createSecureServer({
    ...timesOf(limits),
    ...secureOptionsOf(tls),
    allowHTTP1: true,
    settings: {
      maxConcurrentStreams: streamsBeforeLogin,
      maxHeaderListSize: limits.headerBytesMax,
    },
  })
  server.on('request', (request, answer) =>
    serve(request as unknown as IncomingMessage, answer as unknown as ServerResponse),
  )
  server.on('session', (session) => {
    session.setTimeout(limits.progressTimeoutMs, () => session.close())
    channels.acceptSession(session)
  })
  return server
}

function bound(server: Server | TlsServer | Http2SecureServer, limits: HttpLimits): void {
  // One more than allowed, so that too many can be told from just enough: Node drops the rest without a word.
  Object.assign(server, {
    maxHeadersCount: limits.headersMax + 1,
    timeout: limits.progressTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: 0,
  })
}

function refuseJunkOf(
  server: Server | TlsServer | Http2SecureServer,
  channels: Channels,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    channels.refuseJunk(error, socket),
  )
}

function timesOf(limits: HttpLimits): object {
  return {
    maxHeaderSize: limits.headerBytesMax,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    handshakeTimeout: limits.headersTimeoutMs,
    // A body has no limit on its whole time, only on progress (`server.timeout`).
    requestTimeout: 0,
    connectionsCheckingInterval: Math.ceil(limits.headersTimeoutMs / 4),
  }
}

function secureOptionsOf({ certificate, key, clientCa, versionMin }: TlsSettings): object {
  return {
    cert: certificate,
    key,
    ...(versionMin === undefined ? {} : { minVersion: versionMin }),
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  }
}
