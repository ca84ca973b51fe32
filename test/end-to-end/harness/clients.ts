/** Knows where the test clients are; `scripts/clients.mjs` puts them there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The two that most tests run: the oldest in use, and the one that the newest Debian has. */
export const RESTIC_VERSIONS = ['0.14', '0.18'] as const
/** All that are at hand, for what measures how they differ. */
export const ALL_RESTIC_VERSIONS = [...RESTIC_VERSIONS, '0.19'] as const
export type ResticVersion = (typeof ALL_RESTIC_VERSIONS)[number]
export type ClientName =
  | `restic-${ResticVersion}`
  | 'rest-server'
  | 'rclone'
  | 'strace'
  | 'borg'
  | 'fusermount'
  | 'nginx'
  | 'haproxy'
  | 'caddy'
  | 'systemd-analyze'
  | 'prometheus'
  | 'promtool'
  | 'chromium'

/** The project's folder, seen from `dist/test/end-to-end/harness/`. */
export const projectRoot = fileURLToPath(new URL('../../../../', import.meta.url))

interface Found {
  readonly path: string
  readonly version: string
}

const find = (name: ClientName): Found | undefined => {
  const folder = join(projectRoot, '.cache', 'clients', name)
  try {
    const marker = JSON.parse(readFileSync(join(folder, 'client.json'), 'utf8')) as unknown
    if (typeof marker !== 'object' || marker === null) return undefined
    if (!('path' in marker && 'version' in marker)) return undefined
    return { path: join(folder, String(marker.path)), version: String(marker.version) }
  } catch {
    return undefined
  }
}

const need = (name: ClientName): Found => {
  const found = find(name)
  if (found === undefined) throw new Error(`${name} is missing; run node scripts/clients.mjs`)
  return found
}

/** The program of a client, or undefined where it is missing. */
export const findClient = (name: ClientName): string | undefined => find(name)?.path

export const clientPath = (name: ClientName): string => need(name).path

/** The whole version of what was fetched: 0.18.0. */
export const clientVersion = (name: ClientName): string => need(name).version

/** Where the libraries are that were unpacked with a program, as the dynamic linker takes them. */
export const librariesOf = (name: ClientName): string => {
  const folder = join(projectRoot, '.cache', 'clients', name)
  return ['usr/lib', 'lib']
    .map((place) => join(folder, place))
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).map((each) => join(place, each)))
    .flatMap((place) => [place, join(place, 'systemd'), join(place, 'pulseaudio')])
    .join(':')
}
