/** Knows the names of a repository and of the objects in it, and nothing of where they are kept. */

/** restic's six file types (restic design document, "Repository Layout"). */
export const objectTypes = ['config', 'keys', 'locks', 'snapshots', 'index', 'data'] as const
export type ObjectType = (typeof objectTypes)[number]

/** The types that are folders of objects named by the SHA-256 of their content. */
export const listedTypes = ['keys', 'locks', 'snapshots', 'index', 'data'] as const
export type ListedType = (typeof listedTypes)[number]

/** `config`, or `<type>/<64 lower-case hex digits>`. */
export type ObjectName = string & { readonly __brand: 'ObjectName' }

/** A repository's path below the root: up to two folder names joined by `/`; the root itself is `''`. */
export type RepositoryId = string & { readonly __brand: 'RepositoryId' }

/** rest-server's MaxFolderDepth: repositories are at most two folders below the root. */
export const repositoryDepthMax = 2
/** The folder of the gateway's own files; no repository may carry this name. */
export const stateFolderName = '.lockkeeper'
const folderNameBytesMax = 255

const objectPattern = /^(?:config|(?:keys|locks|snapshots|index|data)\/[0-9a-f]{64})$/

export function parseObjectName(text: string): ObjectName | undefined {
  return objectPattern.test(text) ? (text as ObjectName) : undefined
}

export function isListedType(text: string): text is ListedType {
  return (listedTypes as readonly string[]).includes(text)
}

/** Joins folder names to a repository's id, or answers undefined where one of them is not allowed. */
export function parseRepositoryId(folders: readonly string[]): RepositoryId | undefined {
  if (folders.length > repositoryDepthMax) return undefined
  return folders.every(isFolderName) ? (folders.join('/') as RepositoryId) : undefined
}

function isFolderName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false
  // Some file systems take other spellings of a name for the same one.
  if (name.normalize('NFKC').toLowerCase() === stateFolderName) return false
  // A folder called like a part of a repository would make two repositories overlap.
  if ((objectTypes as readonly string[]).includes(name)) return false
  if (/[/\\\u0000-\u001f\u007f]/.test(name)) return false
  return Buffer.byteLength(name) <= folderNameBytesMax
}

export function typeOf(object: ObjectName): ObjectType {
  const slash = object.indexOf('/')
  return (slash < 0 ? object : object.slice(0, slash)) as ObjectType
}

/** The 64 hex digits of an object's name; `config` has none. */
export function digestOf(object: ObjectName): string | undefined {
  const slash = object.indexOf('/')
  return slash < 0 ? undefined : object.slice(slash + 1)
}
