/** Knows WebDAV's If header (RFC 4918, section 10.4): lists of lock tokens and versions, one of which must hold. */

export interface Condition {
  readonly isNegated: boolean
  readonly kind: 'token' | 'etag'
  readonly value: string
}

export interface ConditionList {
  /** The address that it is about; without one it is the request's own. */
  readonly resource?: string
  readonly conditions: readonly Condition[]
}

const partsMax = 100
const partPattern = /\s*(?:(\()|(\))|(Not\b)|<([^<>\s]*)>|\[((?:W\/)?"[^"]*")\])/iy

/** Undefined where the header is none: then the request must not be carried out. */
export function parseIf(header: string): ConditionList[] | undefined {
  const lists: ConditionList[] = []
  let resource: string | undefined
  let conditions: Condition[] | undefined
  let isNegated = false
  let at = 0
  const text = header.trim()
  for (let parts = 0; at < text.length; parts += 1) {
    partPattern.lastIndex = at
    const part = partPattern.exec(text)
    if (part === null || parts > partsMax) return undefined
    at = partPattern.lastIndex
    const [, opens, closes, not, angle, etag] = part
    if (conditions === undefined) {
      if (angle !== undefined) resource = angle
      else if (opens !== undefined) conditions = []
      else return undefined
    } else if (closes !== undefined) {
      if (conditions.length === 0 || isNegated) return undefined
      lists.push({ conditions, ...(resource === undefined ? {} : { resource }) })
      conditions = undefined
    } else if (not !== undefined && !isNegated) isNegated = true
    else if (angle !== undefined || etag !== undefined) {
      const kind = angle === undefined ? 'etag' : 'token'
      conditions.push({ isNegated, kind, value: angle ?? etag ?? '' })
      isNegated = false
    } else return undefined
  }
  return conditions === undefined && lists.length > 0 ? lists : undefined
}

/** Every token that the client shows to hold; those of conditions that must not hold say nothing. */
export function tokensOf(lists: readonly ConditionList[]): Set<string> {
  const shown = lists
    .flatMap(({ conditions }) => conditions)
    .filter(({ kind, isNegated }) => kind === 'token' && !isNegated)
  return new Set(shown.map(({ value }) => value))
}
