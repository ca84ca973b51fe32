/** Knows the addresses of restic's REST protocol, as rest-server 0.14 reads them, and the tag before them. */
import {
  isListedType,
  parseObjectName,
  parseRepositoryId,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import { tagPattern, wrongTag } from '../program/writer-tag.js'

export type Place =
  | { readonly kind: 'root'; readonly repository: RepositoryId }
  | { readonly kind: 'list'; readonly repository: RepositoryId; readonly type: ListedType }
  | { readonly kind: 'object'; readonly repository: RepositoryId; readonly object: ObjectName }

export type Target =
  | {
      readonly kind: 'place'
      readonly place: Place
      readonly tag?: string
      /** The id of an overlay in which the place is. */
      readonly overlay?: string
      readonly query: string
    }
  /** The list of all repositories, which restic's protocol lacks. */
  | { readonly kind: 'repositories' }
  /** No repository can be here; of a list restic must hear that in other words than of an object. */
  | { readonly kind: 'nowhere'; readonly isList: boolean }
  | { readonly kind: 'malformed'; readonly status: 400 | 403; readonly sentence: string }

/** The first part of every address that is the gateway's own. */
const reservedPart = '-'
const overlayDoor = 'overlay'
const malformed: Target = {
  kind: 'malformed',
  status: 400,
  sentence: 'The address is not percent-encoded UTF-8.',
}

export function parseTarget(url: string): Target {
  // A client of a proxy sends the whole address (RFC 9112, section 3.2.2).
  const [path = '', ...queries] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?')
  const query = queries.join('?')
  const [first, ...encoded] = path.split('/')
  const parts = encoded.map(decodeStrictly)
  if (!parts.every((part) => part !== undefined)) return malformed
  if (first !== '') return nowhere(parts)
  if (parts[0] !== reservedPart) return targetOf(parts, { query })
  const [, door, tag, ...rest] = parts
  if (door === 'repositories' && tag === undefined) return { kind: 'repositories' }
  if (door === overlayDoor && tag !== undefined) return targetOf(rest, { query, overlay: tag })
  if (door !== 'w' || tag === undefined || rest.length === 0) return nowhere(parts)
  if (!tagPattern.test(tag)) return { kind: 'malformed', ...wrongTag }
  return targetOf(rest, { query, tag })
}

function targetOf(
  parts: readonly string[],
  beside: { query: string; tag?: string; overlay?: string },
): Target {
  const place = placeOf(parts)
  return place === undefined ? nowhere(parts) : { kind: 'place', place, ...beside }
}

function nowhere(parts: readonly string[]): Target {
  return { kind: 'nowhere', isList: parts.at(-1) === '' && isListedType(parts.at(-2) ?? '') }
}

/** What stands last says what it is; all before it names the repository. */
function placeOf(parts: readonly string[]): Place | undefined {
  const last = parts.at(-1) ?? ''
  const beforeLast = parts.at(-2) ?? ''
  if (last === '' && isListedType(beforeLast)) {
    const repository = parseRepositoryId(parts.slice(0, -2))
    return repository === undefined ? undefined : { kind: 'list', repository, type: beforeLast }
  }
  if (last === '') {
    const repository = parseRepositoryId(parts.slice(0, -1))
    return repository === undefined ? undefined : { kind: 'root', repository }
  }
  const isConfig = last === 'config'
  const object = parseObjectName(isConfig ? last : `${beforeLast}/${last}`)
  const repository = parseRepositoryId(parts.slice(0, isConfig ? -1 : -2))
  if (object === undefined || repository === undefined) return undefined
  return { kind: 'object', repository, object }
}

/** Undefined where the part is not UTF-8 in percent-encoding. An encoded slash stays part of its name. */
function decodeStrictly(part: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(part)) return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
