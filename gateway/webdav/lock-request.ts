/** Knows what a LOCK asks. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Scope } from './lock-table.js'
import { davChild, isDav, type XmlElement } from './xml-reading.js'
import { innerXml } from './xml-writing.js'

export interface LockInfo {
  readonly scope: Scope
  readonly owner: string
}

const ownerCharactersMax = 4096

/** Undefined where it is no lockinfo, or asks for a kind of lock that there is not. */
export function lockInfoOf(root: XmlElement): LockInfo | undefined {
  if (!isDav(root, 'lockinfo')) return undefined
  const scopes = davChild(root, 'lockscope')
  const types = davChild(root, 'locktype')
  if (scopes === undefined || types === undefined) return undefined
  if (davChild(types, 'write') === undefined) return undefined
  const isExclusive = davChild(scopes, 'exclusive') !== undefined
  if (!isExclusive && davChild(scopes, 'shared') === undefined) return undefined
  const owner = davChild(root, 'owner')
  const text = owner === undefined ? '' : innerXml(owner)
  if (text.length > ownerCharactersMax) return undefined
  return { scope: isExclusive ? 'exclusive' : 'shared', owner: text }
}

/** The first of the client's wishes that can be understood (RFC 4918, section 10.7). */
export function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const header = headers.timeout
  for (const wish of String(header ?? '').split(',')) {
    const seconds = /^\s*Second-(\d{1,10})\s*$/i.exec(wish)?.[1]
    if (seconds !== undefined) return Number(seconds) * 1000
    if (/^\s*Infinite\s*$/i.test(wish)) return Number.MAX_SAFE_INTEGER
  }
  return undefined
}

/** `<urn:uuid:…>`, as UNLOCK names the lock. */
export function lockTokenOf(headers: IncomingHttpHeaders): string | undefined {
  return /^\s*<([^<>\s]+)>\s*$/.exec(String(headers['lock-token'] ?? ''))?.[1]
}
