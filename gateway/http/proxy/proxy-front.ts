/** Knows how to take the PROXY protocol's header off a connection before anything else reads from it. */
import { createServer, type Server, type Socket } from 'node:net'
import type { TrustedRange } from '../../../config/trusted-range.js'
import { readProxyHeader } from './proxy-header.js'
import { isTrusted } from './trust.js'

export interface ProxyFrontOptions {
  /** Only these may send the header; without it, and from others, a connection is closed. */
  readonly trusted: readonly TrustedRange[]
  /** The whole header must be there by then. */
  readonly headerTimeoutMs: number
  readonly connectionsMax: number
  /** Takes the connection as if it had just been accepted. */
  readonly accept: (socket: Socket) => void
}

export interface ProxyFront {
  readonly server: Server
  /** Whom the header named; undefined where it named nobody. */
  readonly sourceOf: (peer: Pick<Socket, 'remoteAddress' | 'remotePort'>) => string | undefined
}

export function createProxyFront(options: ProxyFrontOptions): ProxyFront {
  const { trusted, headerTimeoutMs, connectionsMax, accept } = options
  // Under TLS the request's socket is another object than the connection, with the same two ends.
  const sources = new Map<string, string>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (!isTrusted(socket.remoteAddress, trusted)) {
      socket.destroy()
      return
    }
    const key = keyOf(socket)
    const timer = setTimeout(() => socket.destroy(), headerTimeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      sources.delete(key)
    })
    takeHeader(socket, (source) => {
      clearTimeout(timer)
      if (source !== undefined) sources.set(key, source)
      accept(socket)
    })
  })
  server.maxConnections = connectionsMax
  return { server, sourceOf: (peer) => sources.get(keyOf(peer)) }
}

function keyOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`
}

/** What follows the header is put back, for whoever reads next. */
function takeHeader(socket: Socket, taken: (source: string | undefined) => void): void {
  let head: Buffer = Buffer.alloc(0)
  const read = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    head = Buffer.concat([head, chunk])
    const header = readProxyHeader(head)
    if (header.kind === 'incomplete') return
    socket.off('readable', read)
    if (header.kind === 'invalid') {
      socket.destroy()
      return
    }
    const rest = head.subarray(header.bytes)
    if (rest.length > 0) socket.unshift(rest)
    taken(header.source?.address)
  }
  socket.on('readable', read)
}
