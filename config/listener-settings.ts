/** Knows what one listener runs with, once files that are there by default were looked for. */
import { join } from 'node:path'
import type { listenerOptions } from './listener-options.js'
import { formatListenPlace, isLocal, type ListenPlace } from './listen-place.js'
import type { ValuesOf } from './option.js'
import type { TrustedRange } from './trusted-range.js'

export interface TlsFilesSettings {
  readonly certificateFile: string
  readonly keyFile: string
  readonly clientCaFile?: string
  readonly versionMin: '1.2' | '1.3'
  readonly http2: boolean
}

export interface ListenerSettings {
  readonly place: ListenPlace
  /** Where all three are missing, everybody may come in. */
  readonly htpasswdFile?: string
  readonly userHeader?: string
  readonly byCertificate: boolean
  /** Further names that lead here, where nobody is asked and only this machine can come in. */
  readonly allowedHosts: readonly string[]
  readonly isAppendOnly: boolean
  readonly isPrivate: boolean
  readonly trusted: readonly TrustedRange[]
  readonly speaksProxyProtocol: boolean
  readonly basePath: string
  readonly tls?: TlsFilesSettings
  readonly limits: ListenerLimits
}

export interface ListenerLimits {
  readonly connections: number
  readonly connectionsPerAddress: number
  readonly headerTimeoutMs: number
  /** Logins of one address that may wait for their check. */
  readonly waitingLogins: number
}

type Said = ValuesOf<typeof listenerOptions>

/** One for each place. */
export function listenersOf(
  said: Said,
  path: string,
  isThere: (file: string) => boolean,
): ListenerSettings[] {
  const byCertificate = said.tlsClientCa !== undefined && !said.noAuth
  const asksOtherwise = said.proxyAuthUsername !== undefined || said.tlsClientCa !== undefined
  const usual = join(path, '.htpasswd')
  const htpasswdFile =
    said.htpasswdFile ?? (said.noAuth || asksOtherwise || !isThere(usual) ? undefined : usual)
  return said.listen.map((place) => ({
    place,
    ...(htpasswdFile === undefined ? {} : { htpasswdFile }),
    ...(said.proxyAuthUsername === undefined ? {} : { userHeader: said.proxyAuthUsername }),
    byCertificate,
    allowedHosts: said.allowedHost,
    isAppendOnly: said.appendOnly,
    isPrivate: said.privateRepos,
    trusted: said.trustedProxy,
    speaksProxyProtocol: said.proxyProtocol,
    basePath: said.basePath,
    limits: {
      connections: said.maxConnections,
      connectionsPerAddress: said.maxConnectionsPerAddress,
      headerTimeoutMs: said.headerTimeout,
      waitingLogins: said.maxWaitingLogins,
    },
    ...(said.tls ? { tls: tlsOf(said, path) } : {}),
  }))
}

function tlsOf(said: Said, path: string): TlsFilesSettings {
  return {
    certificateFile: said.tlsCert ?? join(path, 'public_key'),
    keyFile: said.tlsKey ?? join(path, 'private_key'),
    ...(said.tlsClientCa === undefined ? {} : { clientCaFile: said.tlsClientCa }),
    versionMin: said.tlsMinVer,
    http2: said.http2,
  }
}

/** Whether it is known of each request who sends it. */
export function asksWho({
  htpasswdFile,
  userHeader,
  byCertificate,
}: ListenerSettings): boolean {
  return htpasswdFile !== undefined || userHeader !== undefined || byCertificate
}

/** What is wrong with what is said of one listener; every sentence says what to do. */
export function listenerContradictions(
  said: Said,
  listeners: readonly ListenerSettings[],
): string[] {
  const problems: string[] = []
  const ways = [
    ['--htpasswd-file', said.htpasswdFile],
    ['--proxy-auth-username', said.proxyAuthUsername],
  ] as const
  for (const [flag, value] of ways) {
    if (said.noAuth && value !== undefined)
      problems.push(
        `--no-auth asks nobody, and ${flag} says how to ask; leave one of them away`,
      )
  }
  const tlsOnly = [
    ['--tls-cert', said.tlsCert !== undefined],
    ['--tls-key', said.tlsKey !== undefined],
    ['--tls-client-ca', said.tlsClientCa !== undefined],
    ['--http2', said.http2],
  ] as const
  for (const [flag, isSaid] of tlsOnly) {
    if (isSaid && !said.tls) problems.push(`${flag} has a meaning with --tls only; give it too`)
  }
  const proxyOnly = [
    ['--proxy-auth-username', said.proxyAuthUsername !== undefined],
    ['--proxy-protocol', said.proxyProtocol],
  ] as const
  for (const [flag, isSaid] of proxyOnly) {
    if (isSaid && said.trustedProxy.length === 0)
      problems.push(`${flag} believes trusted proxies only; say which with --trusted-proxy`)
  }
  return [...problems, ...listeners.flatMap((listener) => openness(said, listener))]
}

function openness(said: Said, listener: ListenerSettings): string[] {
  const { place, isPrivate } = listener
  const where = formatListenPlace(place)
  if (isPrivate && !asksWho(listener)) {
    return [
      `--private-repos lets in nobody at ${where}, where nobody is asked who it is; give --htpasswd-file`,
    ]
  }
  if (said.noAuth || asksWho(listener) || isLocal(place)) return []
  return [
    `--listen ${where} can be reached from other machines, and nobody there would be asked who it is. ` +
      'Give --htpasswd-file (or make PATH/.htpasswd), give --no-auth to serve everybody who can reach it, ' +
      'or listen on 127.0.0.1.',
  ]
}
