/** Knows what can be said of one thing that stands below the door's root. */
import type { PropertyName } from './xml-writing.js'

export interface Resource {
  /** Decoded, below the base. */
  readonly parts: readonly string[]
  readonly isFolder: boolean
  /** Bytes; folders have none. */
  readonly size?: number
  readonly modifiedMs?: number
  readonly createdMs?: number
  /** With its quotation marks. */
  readonly etag?: string
  /** It can be locked, and carry properties that clients set. */
  readonly isPlain?: true
  readonly dead?: readonly DeadProperty[]
  readonly locks?: readonly LockStory[]
}

/** Some of those that lie in a folder: they are told of in batches, since waiting for each costs more than telling of it. */
export type Resources = readonly Resource[]

/** A property that a client has set and the door only keeps. */
export interface DeadProperty extends PropertyName {
  /** What stands inside it, as XML that can stand anywhere. */
  readonly inner: string
  readonly language?: string
}

/** What others are told of a lock. */
export interface LockStory {
  readonly token: string
  readonly scope: 'exclusive' | 'shared'
  readonly depth: '0' | 'infinity'
  /** What the client said of its owner, as XML that can stand anywhere. */
  readonly owner: string
  readonly secondsLeft: number
  readonly rootHref: string
}

const octets = 'application/octet-stream'

const typesByEnding: Readonly<Record<string, string>> = {
  css: 'text/css',
  csv: 'text/csv',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  xml: 'application/xml',
  zip: 'application/zip',
}

/** By the ending of its name; objects of a repository have none. */
export function contentTypeOf({ parts, isPlain }: Resource): string {
  const ending = /\.([a-z0-9]+)$/i.exec(parts.at(-1) ?? '')?.[1]?.toLowerCase()
  if (isPlain !== true || ending === undefined) return octets
  return Object.hasOwn(typesByEnding, ending) ? (typesByEnding[ending] ?? octets) : octets
}

/** The headers that say which version of a file this is. */
export function validatorsOf({ etag, modifiedMs }: Resource): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(modifiedMs === undefined
      ? {}
      : { 'last-modified': new Date(modifiedMs).toUTCString() }),
  }
}
