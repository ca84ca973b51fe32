/** Reads the user's name out of the certificate that a client proved to have. */
import { TLSSocket, type PeerCertificate } from 'node:tls'
import type { Socket } from 'node:net'

/** Undefined where there is none that the authority signed. */
export function certifiedUser(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  // An empty object where there is no certificate, whatever its type says.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>
  const name: unknown = subject?.CN
  return typeof name === 'string' && name !== '' ? name : undefined
}
