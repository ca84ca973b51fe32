/** Says how a person may know a connection: by its address and port, as other programs on the way show them. */
import type { Socket } from 'node:net'
import { plainAddress } from './proxy/trust.js'

/** Whom a PROXY header names has another port than the proxy's own, which would mislead. */
export function describeConnection(socket: Socket, peer: string | undefined): string {
  const { remoteAddress, remotePort } = socket
  if (peer === undefined) return 'a local socket'
  const address = plainAddress(peer)
  if (peer !== remoteAddress || remotePort === undefined) return address
  return address.includes(':') ? `[${address}]:${remotePort}` : `${address}:${remotePort}`
}
