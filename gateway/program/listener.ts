/** Knows how one listener is made from its settings, and what of it can be read again while it runs. */
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { asksWho, type ListenerSettings } from '../../config/listener-settings.js'
import { formatListenPlace, isLocal, type ListenPlace } from '../../config/listen-place.js'
import { explainPlace } from './address-check.js'
import { messageOf } from './fault.js'
import type { Gate } from '../gate/gate.js'
import type { AccessLog } from '../http/access-log.js'
import { createAuthenticator } from '../http/authentication/authenticator.js'
import { PasswordFile } from '../http/authentication/password-file.js'
import type { Listening, ListenOptions } from '../http/listening.js'
import type { TlsSettings } from '../http/node-server.js'
import type { MemoryBudget } from '../http/memory-budget.js'
import type { Overlays } from '../overlay/overlays.js'
import type { ExchangeWatcher } from '../http/over-exchange.js'
import type { HttpServer } from '../http/server.js'
import { createDoorServer, type MetricsDoor, type SnapshotBrowser } from './doors.js'
import { TlsFiles } from '../http/tls-files.js'
import { socketsOfSystemd } from './inherited-sockets.js'
import { StartError } from './start-error.js'
import { systemClock } from './surroundings.js'
import type { PlainFiles } from '../webdav/plain-files.js'

export interface ServedParts {
  readonly gate: Gate
  readonly hasDav: boolean
  readonly budget: MemoryBudget
  readonly accessLog?: AccessLog
  readonly watch?: ExchangeWatcher
  readonly metrics?: MetricsDoor
  readonly plain?: PlainFiles
  readonly browser?: (isPrivate: boolean) => SnapshotBrowser
  readonly overlays?: Overlays
}

/** As it is told to people. */
export interface OpenListener extends Listening {
  /** `http://127.0.0.1:8000/`; undefined where no address stands for it. */
  readonly url: string | undefined
  readonly isAppendOnly: boolean
  readonly isPrivate: boolean
  /** What a client is asked for; `other`: a certificate, or the word of a proxy. */
  readonly asks: 'nobody' | 'password' | 'other'
  readonly certificateFile?: string
}

interface ListenerFiles {
  readonly passwords: PasswordFile | undefined
  readonly tlsFiles: TlsFiles | undefined
  readonly tls: TlsSettings | undefined
}

export class Listener {
  readonly #settings: ListenerSettings
  readonly #logger: Logger
  readonly #files: ListenerFiles
  #server: HttpServer | undefined

  private constructor(settings: ListenerSettings, logger: Logger, files: ListenerFiles) {
    this.#settings = settings
    this.#logger = logger
    this.#files = files
  }

  /** Reads its files, and listens to nobody yet. Throws a StartError. */
  static async prepare(settings: ListenerSettings, logger: Logger): Promise<Listener> {
    const passwords = await passwordsOf(settings, logger)
    const tlsFiles = settings.tls && new TlsFiles(settings.tls)
    const tls = tlsFiles && (await tlsOf(settings, tlsFiles))
    return new Listener(settings, logger, { passwords, tlsFiles, tls })
  }

  /** To be called once. Throws a StartError. */
  async open(parts: ServedParts): Promise<OpenListener> {
    const { place, isAppendOnly, tls } = this.#settings
    const server = this.#createServer(parts)
    this.#server = server
    try {
      const listening = await server.listen(whereOf(this.#settings))
      const scheme = tls === undefined ? 'http' : 'https'
      const url = listening.port === 0 ? undefined : `${scheme}://${listening.address}/`
      const { isPrivate } = this.#settings
      const certificate = tls === undefined ? {} : { certificateFile: tls.certificateFile }
      return { ...listening, url, isAppendOnly, isPrivate, asks: this.#asks(), ...certificate }
    } catch (error) {
      throw explainPlace(place, error)
    }
  }

  #asks(): OpenListener['asks'] {
    const { htpasswdFile, userHeader, speaksProxyProtocol, trusted, tls } = this.#settings
    const isBehind = userHeader !== undefined || speaksProxyProtocol || trusted.length > 0
    if (isBehind || tls?.clientCaFile !== undefined) return 'other'
    return htpasswdFile === undefined ? 'nobody' : 'password'
  }

  #createServer(parts: ServedParts): HttpServer {
    const { userHeader, byCertificate, isAppendOnly, isPrivate, trusted } = this.#settings
    const { speaksProxyProtocol, basePath, limits } = this.#settings
    const { passwords, tls } = this.#files
    const authenticate = createAuthenticator({
      ...(passwords === undefined ? {} : { passwords }),
      ...(userHeader === undefined ? {} : { userHeader }),
      byCertificate,
    })
    const names = namesOf(this.#settings)
    return createDoorServer({
      ...parts,
      ...(names === undefined ? {} : { names }),
      ...{ clock: systemClock, logger: this.#logger, authenticate },
      ...{ isAppendOnly, isPrivate, trusted, speaksProxyProtocol, basePath },
      limits: {
        connectionsMax: limits.connections,
        connectionsPerAddressMax: limits.connectionsPerAddress,
        headersTimeoutMs: limits.headerTimeoutMs,
      },
      ...(tls === undefined ? {} : { tls }),
    })
  }

  /** Reads again what has changed of its files. What cannot be used leaves the old in force and is told in the log. */
  async reload(): Promise<void> {
    const listener = formatListenPlace(this.#settings.place)
    const { passwords, tlsFiles } = this.#files
    await passwords?.reload()
    try {
      const tls = await tlsFiles?.readIfChanged()
      if (tls === undefined) return
      this.#server?.replaceCertificate(tls)
      this.#logger.info({ listener }, 'the certificate was read again')
    } catch (error) {
      const message = 'the certificate cannot be read, the last one stays in force'
      this.#logger.error({ listener, err: error }, message)
    }
  }

  async close(graceMs: number): Promise<void> {
    await this.#server?.close(graceMs)
  }
}

/** Whom nobody is asked must come by a name of this machine. No browser opens a Unix socket. */
function namesOf(settings: ListenerSettings): string[] | undefined {
  const { place, allowedHosts } = settings
  if (asksWho(settings) || place.kind !== 'address') return undefined
  if (!isLocal(place) && allowedHosts.length === 0) return undefined
  const own = hostname().toLowerCase()
  return [own, own.replace(/\..*$/, ''), place.address.host.toLowerCase(), ...allowedHosts]
}

function whereOf({ place }: ListenerSettings): ListenOptions {
  switch (place.kind) {
    case 'address':
      return place.address
    case 'unix':
      return { path: place.path }
    case 'fd':
      return { fd: place.fd }
    case 'systemd':
      throw new Error('sockets of systemd have been given their numbers before')
  }
}

/** Each socket that systemd hands over is a listener of its own, and so is each address of `localhost`. */
export async function eachPlace(
  listeners: readonly ListenerSettings[],
): Promise<ListenerSettings[]> {
  const each = listeners.map(async (settings) => {
    const places = await placesOf(settings.place)
    return places.map((place) => ({ ...settings, place }))
  })
  return (await Promise.all(each)).flat()
}

async function placesOf(place: ListenPlace): Promise<ListenPlace[]> {
  if (place.kind === 'systemd') {
    const sockets = socketsOfSystemd(place.name, process.env, process.pid)
    return sockets.map((fd) => ({ kind: 'fd', fd }))
  }
  // A free port of one address may be taken on another.
  if (place.kind !== 'address' || place.address.port === 0) return [place]
  const { host, port } = place.address
  if (host.toLowerCase() !== 'localhost') return [place]
  const found = await lookup(host, { all: true }).catch(() => [{ address: '127.0.0.1' }])
  const addresses = new Set(found.map(({ address }) => address))
  return [...addresses].map((address) => ({
    kind: 'address',
    address: { host: address, port },
  }))
}

async function passwordsOf(
  { htpasswdFile: file, limits }: ListenerSettings,
  logger: Logger,
): Promise<PasswordFile | undefined> {
  if (file === undefined) return undefined
  const onProblem = (problem: string): void => logger.warn({ file }, problem)
  const monotonic = (): number => systemClock.monotonic()
  try {
    return await PasswordFile.open({
      ...{ file, monotonic, onProblem },
      waitingMax: limits.waitingLogins,
    })
  } catch (error) {
    throw new StartError(`the password file cannot be read: ${messageOf(error)}`)
  }
}

async function tlsOf({ place }: ListenerSettings, files: TlsFiles): Promise<TlsSettings> {
  try {
    return await files.read()
  } catch (error) {
    const where = formatListenPlace(place)
    throw new StartError(`TLS at ${where}: the certificate cannot be used: ${messageOf(error)}`)
  }
}
