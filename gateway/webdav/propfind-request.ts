/** Knows what a PROPFIND asks: how deep, and for which properties. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Told } from '../http/answer.js'
import type { Wanted } from './multistatus.js'
import { elementsOf, isDav, type XmlElement } from './xml-reading.js'

const namesMax = 256

export type Depth = '0' | '1' | 'infinity'

/** Undefined where the header is none of the three. */
export function depthOf(headers: IncomingHttpHeaders, otherwise: Depth): Depth | undefined {
  const header = headers.depth
  if (header === undefined) return otherwise
  const text = String(header).trim().toLowerCase()
  return text === '0' || text === '1' || text === 'infinity' ? text : undefined
}

/** No body at all asks for everything (RFC 4918, section 9.1). */
export function wantedBy(root: XmlElement | undefined): Wanted | undefined {
  if (root === undefined) return { kind: 'all', include: [] }
  if (!isDav(root, 'propfind')) return undefined
  const children = elementsOf(root)
  const what = children.find((child) => {
    return isDav(child, 'prop') || isDav(child, 'allprop') || isDav(child, 'propname')
  })
  if (what === undefined) return undefined
  switch (what.local) {
    case 'prop': {
      const names = elementsOf(what)
      return names.length > namesMax ? undefined : { kind: 'some', names }
    }
    case 'propname':
      return { kind: 'names' }
    default: {
      const include = children.find((child) => isDav(child, 'include'))
      const named = include === undefined ? [] : elementsOf(include)
      return { kind: 'all', include: named.slice(0, namesMax) }
    }
  }
}

export const badDepth: Told = { status: 400, sentence: 'Depth is 0, 1 or infinity.' }
export const badPropfind: Told = {
  status: 400,
  sentence: 'The XML is no propfind of RFC 4918.',
}
