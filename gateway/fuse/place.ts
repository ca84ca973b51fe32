/** Knows what a path below the mount names, by restic's layout of a repository (RESTIC.md section 6). */
import {
  isListedType,
  parseObjectName,
  parseRepositoryId,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'

export type Place =
  /** A folder that may be a repository, the beginning of one, or lead to some. */
  | { readonly kind: 'folder'; readonly repository: RepositoryId }
  | { readonly kind: 'type'; readonly repository: RepositoryId; readonly type: ListedType }
  /** One of the 256 folders of `data/`. */
  | { readonly kind: 'packs'; readonly repository: RepositoryId; readonly prefix: string }
  | ObjectPlace
  | TemporaryPlace

export interface ObjectPlace {
  readonly kind: 'object'
  readonly repository: RepositoryId
  readonly object: ObjectName
}

/** A name that restic gives to a file while it writes it; it says which object that is to become. */
export interface TemporaryPlace {
  readonly kind: 'temporary'
  readonly repository: RepositoryId
  readonly object: ObjectName
}

const temporaryPattern = /^(config|[0-9a-f]{64})-tmp-\d{1,20}$/
const prefixPattern = /^[0-9a-f]{2}$/

/** All folder names of `data/`. */
export const packFolders: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, '0'),
)

/** `basis` are the folders, below the root of the gateway, that the mount itself stands for. */
export function parsePlace(path: string, basis: readonly string[]): Place | undefined {
  const parts = [...basis, ...path.split('/').filter((part) => part !== '')]
  const first = parts.findIndex((part) => isListedType(part) || isOfConfig(part))
  if (first < 0) {
    const repository = parseRepositoryId(parts)
    return repository === undefined ? undefined : { kind: 'folder', repository }
  }
  const repository = parseRepositoryId(parts.slice(0, first))
  if (repository === undefined) return undefined
  const [head = '', ...rest] = parts.slice(first)
  return isListedType(head)
    ? placeInType(repository, head, rest)
    : rest.length === 0
      ? placeOfFile(repository, '', head)
      : undefined
}

function isOfConfig(part: string): boolean {
  return part === 'config' || (part.startsWith('config-tmp-') && temporaryPattern.test(part))
}

function placeInType(
  repository: RepositoryId,
  type: ListedType,
  rest: readonly string[],
): Place | undefined {
  const [first, second, third] = rest
  if (first === undefined) return { kind: 'type', repository, type }
  if (type !== 'data') {
    return second === undefined ? placeOfFile(repository, `${type}/`, first) : undefined
  }
  if (!prefixPattern.test(first) || third !== undefined) return undefined
  if (second === undefined) return { kind: 'packs', repository, prefix: first }
  return second.startsWith(first) ? placeOfFile(repository, 'data/', second) : undefined
}

function placeOfFile(
  repository: RepositoryId,
  folder: string,
  name: string,
): Place | undefined {
  const object = parseObjectName(`${folder}${name}`)
  if (object !== undefined) return { kind: 'object', repository, object }
  const final = temporaryPattern.exec(name)?.[1]
  const becoming = final === undefined ? undefined : parseObjectName(`${folder}${final}`)
  return becoming && { kind: 'temporary', repository, object: becoming }
}
