/** Proves who asks on a listener for operators: a token, a certificate, a password, or the session of a browser. */
import type { IncomingMessage } from 'node:http'
import { basicCredentials } from '../../http/authentication/authenticator.js'
import { certifiedUser } from '../../http/authentication/certified-user.js'
import type { PasswordFile } from '../../http/authentication/password-file.js'
import { networkOf } from '../../http/network.js'
import { AdminError } from '../admin/admin.js'
import type { Entrance } from './entrance.js'
import type { Operator } from './operator.js'
import type { TokenFile } from './token-file.js'

export interface IdentityOptions {
  readonly tokens: TokenFile
  readonly entrance: Entrance
  readonly passwords?: PasswordFile | undefined
  readonly byCertificate: boolean
  /** Of users with a password or a certificate, those who may act; the others may look. */
  readonly operators: readonly string[]
}

export const sessionCookie = 'lockkeeper-session'

export class Identities {
  readonly #options: IdentityOptions

  constructor(options: IdentityOptions) {
    this.#options = options
  }

  /** Throws an AdminError where it is not known who asks. `session` is what the browser's cookie says. */
  async identify(request: IncomingMessage, session: string | undefined): Promise<Operator> {
    const { authorization } = request.headers
    const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    if (token !== undefined) return this.#byToken(token)
    const given = basicCredentials(authorization)
    if (given !== undefined) return this.#byPassword(given, request)
    const { byCertificate, entrance } = this.#options
    const certified = byCertificate ? certifiedUser(request.socket) : undefined
    if (certified !== undefined) return this.#user(certified, 'certificate')
    const found = session === undefined ? undefined : entrance.operatorOf(session)
    if (found !== undefined) return found
    throw notSignedIn()
  }

  get asksForPasswords(): boolean {
    return this.#options.passwords !== undefined
  }

  async #byToken(token: string): Promise<Operator> {
    const found = await this.#options.tokens.find(token)
    if (found === undefined) throw notSignedIn()
    return { name: `${found.name} (${found.id})`, role: found.role, way: 'token' }
  }

  async #byPassword(
    { user, password }: { readonly user: string; readonly password: string },
    { socket }: IncomingMessage,
  ): Promise<Operator> {
    const { passwords } = this.#options
    const network = networkOf(socket.remoteAddress ?? '')
    const verification = await passwords?.verify(user, password, network)
    switch (verification) {
      case 'right':
        return this.#user(user, 'password')
      case 'busy':
        throw new AdminError(
          'too-many-logins',
          'too many passwords wait to be checked; try again',
        )
      case 'wrong':
      case undefined:
        throw notSignedIn()
    }
  }

  #user(name: string, way: 'password' | 'certificate'): Operator {
    const role = this.#options.operators.includes(name) ? 'operator' : 'viewer'
    return { name, role, way }
  }
}

function notSignedIn(): AdminError {
  const message =
    'it is not known who is asking: sign in with the link that "lockkeeper ui" prints, a token, a password or a certificate'
  return new AdminError('not-signed-in', message)
}
