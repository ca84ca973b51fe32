/**
 * Takes connections before anything else reads from them: bounds how many each network has open, and takes the PROXY
 * protocol's header off.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { TrustedRange } from '../../config/trusted-range.js'
import type { LimitLog } from './limit-log.js'
import type { HttpLimits } from './limits.js'
import { networkOf } from './network.js'
import { readProxyHeader } from './proxy/proxy-header.js'
import { isTrusted } from './proxy/trust.js'

export interface FrontOptions {
  readonly trusted: readonly TrustedRange[]
  /** Every connection begins with a PROXY header, from trusted addresses only; others are closed. */
  readonly speaksProxyProtocol: boolean
  /** TLS ends with either side; HTTP alone is answered by who has heard the other side's end. */
  readonly allowHalfOpen: boolean
  readonly limits: HttpLimits
  readonly limitLog: LimitLog
  /** Takes the connection as if it had just been accepted. */
  readonly accept: (socket: Socket) => void
}

export interface Front {
  readonly server: Server
  /** Whom the connection comes from, by itself or by its PROXY header; undefined on a Unix socket. */
  readonly sourceOf: (socket: Socket) => string | undefined
}

/** Where a PROXY header names nobody (UNKNOWN, LOCAL): no proxy that is believed, and no client that is known. */
export const unnamedSource = 'unknown'

export function createFront(options: FrontOptions): Front {
  const { trusted, speaksProxyProtocol, allowHalfOpen, limits, limitLog, accept } = options
  const sources = new WeakMap<Socket, string>()
  // Under TLS the request's socket is another object than the connection, with the same two ends.
  const sourcesByEnd = new Map<string, string>()
  const counts = new Map<string, number>()

  const admit = (socket: Socket, source: string | undefined): void => {
    if (isTrusted(source, trusted)) {
      accept(socket)
      return
    }
    const network = networkOf(source)
    const count = (counts.get(network) ?? 0) + 1
    if (count > limits.connectionsPerAddressMax) {
      limitLog.reached({ limit: '--max-connections-per-address', address: network }, tooMany)
      socket.destroy()
      return
    }
    counts.set(network, count)
    socket.once('close', () => {
      const left = (counts.get(network) ?? 1) - 1
      if (left === 0) counts.delete(network)
      else counts.set(network, left)
    })
    accept(socket)
  }

  const takeProxied = (socket: Socket): void => {
    socket.on('error', () => socket.destroy())
    if (!isTrusted(socket.remoteAddress, trusted)) {
      socket.destroy()
      return
    }
    const end = endOf(socket)
    const timer = setTimeout(() => socket.destroy(), limits.headersTimeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      sourcesByEnd.delete(end)
    })
    takeHeader(socket, (source = unnamedSource) => {
      clearTimeout(timer)
      sources.set(socket, source)
      if (end !== '') sourcesByEnd.set(end, source)
      admit(socket, source)
    })
  }

  const server = createServer({ allowHalfOpen, noDelay: true }, (socket) => {
    if (speaksProxyProtocol) takeProxied(socket)
    else admit(socket, socket.remoteAddress)
  })
  server.maxConnections = limits.connectionsMax
  server.on('drop', (dropped) => {
    const address = networkOf(dropped?.remoteAddress)
    limitLog.reached({ limit: '--max-connections', address }, tooManyOfAll)
  })
  const sourceOf = (socket: Socket): string | undefined => {
    if (!speaksProxyProtocol) return socket.remoteAddress
    return sources.get(socket) ?? sourcesByEnd.get(endOf(socket)) ?? unnamedSource
  }
  return { server, sourceOf }
}

const tooMany = 'an address has too many connections open; its further ones are closed'
const tooManyOfAll = 'too many connections are open; further ones are closed'

/** Empty for a Unix socket: all its connections have the same one. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? '' : `${remoteAddress} ${remotePort ?? ''}`
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
