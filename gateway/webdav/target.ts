/** Knows the addresses of the WebDAV door: repositories as folders in restic's layout, and the tag before them. */
import {
  digestOf,
  isListedType,
  objectTypes,
  parseObjectName,
  parseRepositoryId,
  repositoryDepthMax,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import { tagPattern, wrongTag } from '../program/writer-tag.js'

/** What an address names by its shape alone; whether anything stands there is not known yet. */
export type Place =
  /** The root, a folder on the way to repositories, or a repository itself. */
  | { readonly kind: 'folder'; readonly repository: RepositoryId }
  | { readonly kind: 'type'; readonly repository: RepositoryId; readonly type: ListedType }
  /** `data/00` … `data/ff`. */
  | { readonly kind: 'packs'; readonly repository: RepositoryId; readonly prefix: string }
  | { readonly kind: 'object'; readonly repository: RepositoryId; readonly object: ObjectName }
  /** Below a repository, and nothing that restic has: never there. */
  | { readonly kind: 'junk'; readonly repository: RepositoryId }
  /** Too deep for a repository, or a name that none can have. */
  | { readonly kind: 'plain' }

export interface DavTarget {
  readonly kind: 'target'
  /** What all addresses of this door begin with, as the client wrote it: `/-/dav`, `/-/w/TAG/-/dav`. */
  readonly base: string
  /** What a proxy has taken off the address; the base begins with it. */
  readonly prefix?: string
  readonly tag?: string
  /** The decoded parts below the base; the root has none. */
  readonly parts: readonly string[]
  /** The address ended in a slash, as that of a folder should. */
  readonly isFolder: boolean
  readonly place: Place
}

export type ParsedTarget =
  | DavTarget
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 404; readonly sentence: string }

const reservedPart = '-'
const doorPart = 'dav'
const packsPattern = /^[0-9a-f]{2}$/
const partBytesMax = 255
const partsMax = 64

const notEncoded = {
  kind: 'refused',
  status: 400,
  sentence: 'The address is not percent-encoded UTF-8.',
} as const
const notAllowed = {
  kind: 'refused',
  status: 403,
  sentence: 'The address has a part that no file can be named.',
} as const
const notHere = { kind: 'refused', status: 404, sentence: 'Not Found' } as const

/** Whether this door, and no other, answers for an address; nothing is decoded to find out. */
export function isDavUrl(url: string): boolean {
  return /^(?:https?:\/\/[^/?]*)?(?:\/-\/w\/[^/?]*)?\/-\/dav(?:[/?]|$)/i.test(url)
}

/** Explorer and others ask the server's root, and each folder on the way, before the address that they were given. */
export function isDavRequest({
  method = '',
  url = '',
}: {
  method?: string | undefined
  url?: string | undefined
}): boolean {
  return isDavUrl(url) || (stepMethods.has(method) && stepOf(url) !== undefined)
}

const stepMethods: ReadonlySet<string> = new Set(['OPTIONS', 'PROPFIND'])

/** The folders on the way to the door: which one, and the name of the next. */
export function stepOf(
  url: string,
): { readonly path: string; readonly next: string } | undefined {
  const [path = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?')
  if (path === '/' || path === '') return { path: '/', next: reservedPart }
  return path === '/-' || path === '/-/' ? { path: '/-/', next: doorPart } : undefined
}

export function parseDavTarget(url: string): ParsedTarget {
  // A client of a proxy, and a Destination, carry the whole address (RFC 9112, section 3.2.2).
  if (url.includes('#')) return notEncoded
  const [path = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?')
  const encoded = path.split('/').slice(1)
  const isTagged = encoded[1] === 'w'
  const base = encoded.slice(0, isTagged ? 5 : 2)
  const [first, second] = isTagged ? base.slice(3) : base
  if (encoded[0] !== reservedPart || first !== reservedPart || second !== doorPart)
    return notHere
  const tag = isTagged ? decodeStrictly(base[2] ?? '') : undefined
  if (isTagged && (tag === undefined || !tagPattern.test(tag)))
    return { kind: 'refused', ...wrongTag }
  const below = encoded.slice(base.length)
  const isFolder = below.at(-1) === '' || below.length === 0
  const parts = (below.at(-1) === '' ? below.slice(0, -1) : below).map(decodeStrictly)
  if (!parts.every((part) => part !== undefined)) return notEncoded
  if (parts.length > partsMax || !parts.every(isPartName)) return notAllowed
  return {
    kind: 'target',
    base: `/${base.join('/')}`,
    ...(tag === undefined ? {} : { tag }),
    parts,
    isFolder,
    place: placeOf(parts),
  }
}

/** The same behind a proxy that has taken `prefix` off the address. */
export function parseBehind(url: string, prefix: string): ParsedTarget {
  const target = parseDavTarget(url)
  if (prefix === '' || target.kind === 'refused') return target
  return { ...target, base: `${prefix}${target.base}`, prefix }
}

/** Of an address that the client writes into a header: it knows nothing of what a proxy takes off, and some take it off there too. */
export function parseNamed({ prefix = '' }: DavTarget, address: string): ParsedTarget {
  const path = address.replace(/^https?:\/\/[^/?]*/i, '')
  return parseDavTarget(path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path)
}

/** The address of something below the base, as it is written into answers. */
export function hrefOf(base: string, parts: readonly string[], isFolder: boolean): string {
  const path = parts.map((part) => `/${encodeURIComponent(part)}`).join('')
  return `${base}${path}${isFolder ? '/' : ''}`
}

/** Where an object lies below its repository. */
export function partsOfObject(repository: RepositoryId, object: ObjectName): string[] {
  const digest = digestOf(object)
  const [type = ''] = object.split('/')
  if (digest === undefined) return [...foldersOf(repository), object]
  const prefix = type === 'data' ? [digest.slice(0, 2)] : []
  return [...foldersOf(repository), type, ...prefix, digest]
}

export function foldersOf(repository: RepositoryId): string[] {
  return repository === '' ? [] : repository.split('/')
}

/** The first part that is named like a part of a repository ends the repository's own path. */
function placeOf(parts: readonly string[]): Place {
  const at = parts.findIndex((part) => (objectTypes as readonly string[]).includes(part))
  const isWithin = at >= 0 && at <= repositoryDepthMax
  const repository = parseRepositoryId(isWithin ? parts.slice(0, at) : parts)
  if (repository === undefined) return { kind: 'plain' }
  if (!isWithin) return { kind: 'folder', repository }
  return placeWithin(repository, parts.slice(at))
}

function placeWithin(repository: RepositoryId, within: readonly string[]): Place {
  const [type = '', second, third] = within
  const junk: Place = { kind: 'junk', repository }
  if (!isListedType(type)) {
    const object = within.length === 1 ? parseObjectName(type) : undefined
    return object === undefined ? junk : { kind: 'object', repository, object }
  }
  if (second === undefined) return { kind: 'type', repository, type }
  const isPacked = type === 'data'
  if (isPacked && !packsPattern.test(second)) return junk
  if (isPacked && third === undefined) return { kind: 'packs', repository, prefix: second }
  const name = isPacked ? (third ?? '') : second
  const object = parseObjectName(`${type}/${name}`)
  const isInPlace = within.length === (isPacked ? 3 : 2)
  if (object === undefined || !isInPlace) return junk
  return isPacked && !name.startsWith(second) ? junk : { kind: 'object', repository, object }
}

function isPartName(part: string): boolean {
  if (part === '' || part === '.' || part === '..') return false
  if (/[/\\\u0000-\u001f\u007f]/.test(part)) return false
  return Buffer.byteLength(part) <= partBytesMax
}

/** Undefined where the part is not UTF-8 in percent-encoding. */
function decodeStrictly(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
