/** Knows whether a change of plain files may be made: the conditions of the request hold, and no lock stands in its way. */
import type { Reply } from './answer.js'
import { parseIf, tokensOf, type ConditionList } from './if-header.js'
import type { Lock } from './lock-table.js'
import type { PlainPath } from './plain-files.js'
import { plainResource, type PlainCall } from './plain-resources.js'
import { check, preconditionFailed } from './preconditions.js'
import { isOwn } from './realm.js'
import { hrefOf, parseNamed } from './target.js'
import { davError, escapeXml } from './xml-writing.js'

/** The tokens that the client has shown, or what it is answered since a condition does not hold. */
export type Admitted = { readonly tokens: ReadonlySet<string> } | { readonly refused: Reply }

const badIf: Reply = { status: 400, sentence: 'The If header is none of RFC 4918.' }

export async function admit(call: PlainCall): Promise<Admitted> {
  const { request, target } = call
  const { headers, method } = request
  const resource = await plainResource(call, target.parts)
  if (check(method ?? '', headers, resource) !== 'go') return { refused: preconditionFailed }
  const header = headers.if
  if (header === undefined) return { tokens: new Set() }
  const lists = parseIf(String(header))
  if (lists === undefined) return { refused: badIf }
  for (const list of lists) {
    if (await holds(call, list)) return { tokens: tokensOf(lists) }
  }
  return { refused: preconditionFailed }
}

/** A folder's lock covers what is put into it and taken out of it. */
export function locksOnMember({ locks }: PlainCall, path: PlainPath): Lock[][] {
  const groups = [locks.on(path)]
  if (path.length > 0) groups.push(locks.on(path.slice(0, -1)))
  return groups
}

/** Whatever lies in a folder goes with it. */
export function locksOnTree(call: PlainCall, path: PlainPath): Lock[][] {
  const below = call.locks.atOrBelow(path)
  return [...locksOnMember(call, path), ...below.map(({ root }) => call.locks.on(root))]
}

/** Undefined where the client holds one of each group's locks. */
export function refusalOf(
  { visitor, target }: PlainCall,
  groups: readonly Lock[][],
  tokens: ReadonlySet<string>,
): Reply | undefined {
  const { user } = visitor.client
  const isHeld = (lock: Lock): boolean => tokens.has(lock.token) && lock.user === user
  const [standing] = groups.filter((group) => group.length > 0 && !group.some(isHeld)).flat()
  if (standing === undefined) return undefined
  return lockedReply('lock-token-submitted', target.base, [standing])
}

export function lockedReply(condition: string, base: string, standing: readonly Lock[]): Reply {
  const hrefs = standing.map(({ root }) => {
    return `<D:href>${escapeXml(hrefOf(base, root, false))}</D:href>`
  })
  return { status: 423, xml: davError(condition, hrefs.join('')) }
}

async function holds(call: PlainCall, list: ConditionList): Promise<boolean> {
  const path = pathOf(call, list.resource)
  if (path === undefined) return false
  for (const { kind, value, isNegated } of list.conditions) {
    const isTrue =
      kind === 'token'
        ? call.locks.on(path).some(({ token }) => token === value)
        : (await plainResource(call, path))?.etag === value
    if (isTrue === isNegated) return false
  }
  return true
}

function pathOf(
  { target, visitor }: PlainCall,
  resource: string | undefined,
): PlainPath | undefined {
  if (resource === undefined) return target.parts
  const named = parseNamed(target, resource)
  return named.kind === 'target' && isOwn(visitor, named.parts) ? named.parts : undefined
}
