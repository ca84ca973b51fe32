/** Knows how the answer to PROPFIND is written, one resource after another. */
import { STATUS_CODES } from 'node:http'
import { namesOf, renderProperty } from './properties.js'
import type { Resource, Resources } from './resource.js'
import { hrefOf } from './target.js'
import { escapeXml, property, xmlHead, type PropertyName } from './xml-writing.js'

/** Which properties a PROPFIND asks for. */
export type Wanted =
  | { readonly kind: 'all'; readonly include: readonly PropertyName[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly PropertyName[] }

export const multistatusHead = `${xmlHead}<D:multistatus xmlns:D="DAV:">`
export const multistatusTail = '</D:multistatus>'

/** Longer strings are kept apart by V8, and swept less often. */
const pieceCharactersMax = 32 * 1024

export async function* multistatusPieces(
  base: string,
  wanted: Wanted,
  resources: AsyncIterable<Resources> | Iterable<Resources>,
): AsyncGenerator<string> {
  let piece = multistatusHead
  for await (const batch of resources) {
    for (const resource of batch) {
      piece += responseText(base, wanted, resource)
      if (piece.length < pieceCharactersMax) continue
      yield piece
      piece = ''
    }
  }
  yield piece + multistatusTail
}

/** The status of one part of a multistatus, as an element. */
export function statusElement(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}</D:status>`
}

export function propstat(properties: string, status: number, inner = ''): string {
  return `<D:propstat><D:prop>${properties}</D:prop>${statusElement(status)}${inner}</D:propstat>`
}

export function response(href: string, inner: string): string {
  return `<D:response><D:href>${escapeXml(href)}</D:href>${inner}</D:response>`
}

function responseText(base: string, wanted: Wanted, resource: Resource): string {
  const href = hrefOf(base, resource.parts, resource.isFolder)
  switch (wanted.kind) {
    case 'names': {
      const names = namesOf(resource).map((name) => property(name, ''))
      return response(href, propstat(names.join(''), 200))
    }
    case 'all':
      return response(href, propstats(resource, [...namesOf(resource), ...wanted.include]))
    case 'some':
      return response(href, propstats(resource, wanted.names))
  }
}

function propstats(resource: Resource, names: readonly PropertyName[]): string {
  let found = ''
  let missing = ''
  for (const name of names) {
    const rendered = renderProperty(resource, name)
    if (rendered === undefined) missing += property(name, '')
    else found += rendered
  }
  // A response without any propstat would say nothing at all of the resource.
  const isFound = found !== '' || missing === ''
  return (isFound ? propstat(found, 200) : '') + (missing === '' ? '' : propstat(missing, 404))
}
