/** Knows who is behind a request: nobody in particular, a user with a password, a proxy's user, a certificate's name. */
import type { IncomingMessage } from 'node:http'
import { networkOf } from '../network.js'
import { certifiedUser } from './certified-user.js'
import type { PasswordFile } from './password-file.js'

export type Identity =
  | { readonly kind: 'anybody' }
  | { readonly kind: 'user'; readonly user: string }
  /** To be answered 401. */
  | { readonly kind: 'unknown' }
  /** So many passwords wait to be checked that this one was not: to be answered 503. */
  | { readonly kind: 'busy' }

export interface AuthenticatorOptions {
  /** HTTP Basic against an htpasswd file. */
  readonly passwords?: PasswordFile
  /** A header in which a trusted proxy names the user, in lower case: rest-server's --proxy-auth-username. */
  readonly userHeader?: string
  /** The name (CN) in a client's certificate is its user. */
  readonly byCertificate?: boolean
}

export interface Sender {
  readonly isFromProxy: boolean
  readonly address: string
}

export type Authenticator = (request: IncomingMessage, sender: Sender) => Promise<Identity>

/**
 * A certificate first, since the handshake proved it; then the header, which only a trusted proxy may set; then a
 * password. Without any of the three configured everybody may come in.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { passwords, userHeader, byCertificate = false } = options
  const isOpen = passwords === undefined && userHeader === undefined && !byCertificate
  return async (request, { isFromProxy, address }) => {
    if (isOpen) return { kind: 'anybody' }
    const certified = byCertificate ? certifiedUser(request.socket) : undefined
    if (certified !== undefined) return { kind: 'user', user: certified }
    const told =
      isFromProxy && userHeader !== undefined ? request.headers[userHeader] : undefined
    if (typeof told === 'string' && told !== '') return { kind: 'user', user: told }
    const given = basicCredentials(request.headers.authorization)
    if (passwords === undefined || given === undefined) return { kind: 'unknown' }
    const verification = await passwords.verify(given.user, given.password, networkOf(address))
    switch (verification) {
      case 'right':
        return { kind: 'user', user: given.user }
      case 'wrong':
        return { kind: 'unknown' }
      case 'busy':
        return { kind: 'busy' }
    }
  }
}

/** RFC 7617: `Basic`, then user, colon and password in base64, as UTF-8. */
export function basicCredentials(
  header: string | undefined,
): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon <= 0) return undefined
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
