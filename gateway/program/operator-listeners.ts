/** Opens where operators come in: the socket of the state, what the settings name, and a port of this machine where a link leads. */
import { hostname } from 'node:os'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { AdminSettings, AdminTlsFiles } from '../../config/admin-settings.js'
import { isLocal, type ListenPlace } from '../../config/listen-place.js'
import { PasswordFile } from '../http/authentication/password-file.js'
import { listen, type Listening, type ListenOptions } from '../http/listening.js'
import type { ApiParts } from '../operate/api/parts.js'
import type { Entrance } from '../operate/identity/entrance.js'
import { Identities, sessionCookie } from '../operate/identity/request-identity.js'
import type { TokenFile } from '../operate/identity/token-file.js'
import { createOperatorServer, type OperatorTls } from '../operate/operator-server.js'
import { explainPlace } from './address-check.js'
import { messageOf } from './fault.js'
import { StartError } from './start-error.js'
import { systemClock } from './surroundings.js'

export interface OperatorListenersOptions {
  readonly settings: AdminSettings
  readonly passwords: PasswordFile | undefined
  readonly tls: OperatorTls | undefined
  readonly tokens: TokenFile
  readonly logger: Logger
}

interface Opened {
  readonly app: FastifyInstance
  readonly listening: Listening
  readonly place: ListenPlace
  readonly isTls: boolean
}

const anyPort: ListenPlace = { kind: 'address', address: { host: '127.0.0.1', port: 0 } }

export class OperatorListeners {
  readonly #options: OperatorListenersOptions
  readonly #ending = new AbortController()
  readonly #opened: Opened[] = []
  #parts: { readonly api: ApiParts; readonly entrance: Entrance } | undefined
  #local: Promise<Opened> | undefined

  private constructor(options: OperatorListenersOptions) {
    this.#options = options
  }

  /** Reads its files, and listens to nobody yet. Throws a StartError. */
  static async prepare(
    settings: AdminSettings,
    tokens: TokenFile,
    logger: Logger,
  ): Promise<OperatorListeners> {
    const passwords = await passwordsOf(settings, logger)
    const tls = settings.tls && (await tlsOf(settings.tls))
    return new OperatorListeners({ settings, passwords, tls, tokens, logger })
  }

  /** To be called once. Throws a StartError. */
  async open(api: ApiParts, entrance: Entrance): Promise<readonly Listening[]> {
    this.#parts = { api, entrance }
    for (const place of this.#options.settings.places) {
      this.#opened.push(await this.#openOne(place, this.#options.tls))
    }
    return this.#opened.map(({ listening }) => listening)
  }

  /** Where a browser of this machine comes in; without such a place in the settings one is opened. */
  async origin(): Promise<string> {
    const reachable = this.#opened.find(({ place }) => isReachableHere(place))
    const { listening, isTls } = reachable ?? (await (this.#local ??= this.#openLocal()))
    const address = listening.address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')
    return `${isTls ? 'https' : 'http'}://${address}`
  }

  async reload(): Promise<void> {
    await this.#options.passwords?.reload()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#opened.map(({ app }) => app.close()))
  }

  async #openLocal(): Promise<Opened> {
    try {
      const opened = await this.#openOne(anyPort, undefined)
      this.#opened.push(opened)
      return opened
    } catch (error) {
      this.#local = undefined
      throw error
    }
  }

  async #openOne(place: ListenPlace, tls: OperatorTls | undefined): Promise<Opened> {
    const { settings, passwords, tokens, logger } = this.#options
    if (this.#parts === undefined) throw new Error('the parts are not there yet')
    const { api, entrance } = this.#parts
    const byCertificate = tls?.ca !== undefined
    const { operators } = settings
    const identities = new Identities({ tokens, entrance, passwords, byCertificate, operators })
    const app = createOperatorServer({
      ...{ parts: api, logger, tls, ending: this.#ending.signal },
      identify: ({ raw, cookies }) => identities.identify(raw, cookies[sessionCookie]),
      browsers: { entrance, asksForPasswords: identities.asksForPasswords },
      names: namesOf(place, settings.allowedHosts),
    })
    try {
      await app.ready()
      const listening = await listen(app.server, whereOf(place))
      return { app, listening, place, isTls: tls !== undefined }
    } catch (error) {
      await app.close()
      throw explainPlace(place, error)
    }
  }
}

function isReachableHere(place: ListenPlace): boolean {
  if (place.kind !== 'address') return false
  return isLocal(place) || ['', '0.0.0.0', '::'].includes(place.address.host)
}

function namesOf(place: ListenPlace, allowed: readonly string[]): string[] {
  const own = hostname().toLowerCase()
  const named = place.kind === 'address' ? [place.address.host.toLowerCase()] : []
  return [own, own.replace(/\..*$/, ''), ...named, ...allowed]
}

function whereOf(place: ListenPlace): ListenOptions {
  switch (place.kind) {
    case 'address':
      return place.address
    case 'unix':
      return { path: place.path }
    case 'fd':
    case 'systemd':
      throw new Error('the settings have refused it before')
  }
}

async function passwordsOf(
  { htpasswdFile: file }: AdminSettings,
  logger: Logger,
): Promise<PasswordFile | undefined> {
  if (file === undefined) return undefined
  const onProblem = (problem: string): void => logger.warn({ file }, problem)
  try {
    return await PasswordFile.open({
      file,
      monotonic: () => systemClock.monotonic(),
      onProblem,
    })
  } catch (error) {
    throw new StartError(`the password file of operators cannot be read: ${messageOf(error)}`)
  }
}

async function tlsOf({
  certificateFile,
  keyFile,
  clientCaFile,
}: AdminTlsFiles): Promise<OperatorTls> {
  try {
    const [cert, key] = [await readFile(certificateFile), await readFile(keyFile)]
    const ca = clientCaFile === undefined ? undefined : await readFile(clientCaFile)
    createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) })
    return { cert, key, ...(ca === undefined ? {} : { ca }) }
  } catch (error) {
    throw new StartError(`--admin-tls: the certificate cannot be used: ${messageOf(error)}`)
  }
}
