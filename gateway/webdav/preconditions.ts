/** Knows HTTP's own conditions (RFC 9110, section 13): If-Match and its like, by the version of one resource. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Told } from '../http/answer.js'
import type { Resource } from './resource.js'

export type Checked = 'go' | 'not-modified' | 'failed'

export const preconditionFailed: Told = { status: 412, sentence: 'Precondition Failed' }

export function check(
  method: string,
  headers: IncomingHttpHeaders,
  resource: Resource | undefined,
): Checked {
  const isRead = method === 'GET' || method === 'HEAD'
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  const { modifiedMs } = resource ?? {}
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, resource, 'strong')) return 'failed'
  } else if (isLater(modifiedMs, headers['if-unmodified-since'])) return 'failed'
  if (ifNoneMatch !== undefined) {
    if (!matches(ifNoneMatch, resource, 'weak')) return 'go'
    return isRead ? 'not-modified' : 'failed'
  }
  const since = headers['if-modified-since']
  if (!isRead || since === undefined || modifiedMs === undefined) return 'go'
  return isDate(since) && !isLater(modifiedMs, since) ? 'not-modified' : 'go'
}

/** The Range header, unless the file is no longer the one that the client has a part of. */
export function rangeHeader(
  headers: IncomingHttpHeaders,
  resource: Resource,
): string | undefined {
  const condition = headers['if-range']
  if (typeof condition !== 'string') return headers.range
  const isSame = condition.startsWith('"')
    ? condition === resource.etag
    : isDate(condition) && !isLater(resource.modifiedMs, condition)
  return isSame ? headers.range : undefined
}

function matches(
  header: string,
  resource: Resource | undefined,
  kind: 'strong' | 'weak',
): boolean {
  if (header.trim() === '*') return resource !== undefined
  const { etag } = resource ?? {}
  if (etag === undefined) return false
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => (kind === 'weak' ? tag.replace(/^W\//, '') : tag) === etag)
}

/** Headers have whole seconds only. */
function isLater(modifiedMs: number | undefined, header: string | undefined): boolean {
  if (modifiedMs === undefined || header === undefined || !isDate(header)) return false
  return Math.floor(modifiedMs / 1000) * 1000 > Date.parse(header)
}

function isDate(header: string): boolean {
  return !Number.isNaN(Date.parse(header))
}
