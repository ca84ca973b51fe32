/** Knows what the operators' way in runs with, and what is wrong with what was said of it. */
import { join } from 'node:path'
import type { adminOptions } from './admin-options.js'
import { formatListenPlace, isLocal, type ListenPlace } from './listen-place.js'
import type { ValuesOf } from './option.js'

export interface AdminSettings {
  readonly places: readonly ListenPlace[]
  readonly htpasswdFile?: string
  readonly operators: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly tls?: AdminTlsFiles
}

export interface AdminTlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
  readonly clientCaFile?: string
}

export type SaidOfAdmin = ValuesOf<typeof adminOptions> & {
  readonly path: string
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
}

export function adminSettingsOf(said: SaidOfAdmin): AdminSettings {
  const { adminHtpasswdFile: htpasswdFile, adminTls, adminClientCa: clientCaFile } = said
  const files = {
    certificateFile: said.tlsCert ?? join(said.path, 'public_key'),
    keyFile: said.tlsKey ?? join(said.path, 'private_key'),
    ...(clientCaFile === undefined ? {} : { clientCaFile }),
  }
  return {
    places: said.adminListen,
    operators: said.adminOperator,
    allowedHosts: said.adminAllowedHost,
    ...(htpasswdFile === undefined ? {} : { htpasswdFile }),
    ...(adminTls ? { tls: files } : {}),
  }
}

/** Every sentence says what to do. */
export function adminContradictions(said: SaidOfAdmin): string[] {
  const problems: string[] = []
  const { adminHtpasswdFile, adminClientCa, adminListen, adminTls } = said
  if (adminClientCa !== undefined && !adminTls) {
    problems.push('--admin-client-ca has a meaning with --admin-tls only; give it too')
  }
  const isAsked = adminHtpasswdFile !== undefined || adminClientCa !== undefined
  if (said.adminOperator.length > 0 && !isAsked) {
    problems.push(
      '--admin-operator names users, and nothing says how they prove it; give --admin-htpasswd-file or --admin-client-ca',
    )
  }
  if (isAsked && adminListen.length === 0) {
    problems.push('--admin-htpasswd-file and --admin-client-ca need --admin-listen; say where')
  }
  for (const place of adminListen) {
    if (place.kind === 'systemd' || place.kind === 'fd') {
      const where = formatListenPlace(place)
      problems.push(
        `--admin-listen ${where}: operators come in at HOST:PORT or unix:/PATH only`,
      )
    }
  }
  return problems
}

export function adminWarnings({ places, tls }: AdminSettings): string[] {
  return places
    .filter((place) => !isLocal(place) && tls === undefined)
    .map(
      (place) =>
        `--admin-listen ${formatListenPlace(place)}: passwords and tokens travel as they are; give --admin-tls, unless a proxy in front speaks TLS`,
    )
}
