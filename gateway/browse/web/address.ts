/** Reads and writes the addresses of the browser's pages: `/-/browse/REPOSITORY/SNAPSHOT/PATH`. */

export const browsePrefix = '/-/browse'

export interface BrowseAddress {
  /** Undefined for the list of repositories. */
  readonly repository: string | undefined
  /** Undefined for the list of snapshots. */
  readonly snapshot: string | undefined
  /** Names are bytes. */
  readonly path: readonly Buffer[]
  /** It ended in a slash, as that of a folder should. */
  readonly isFolder: boolean
  readonly query: URLSearchParams
}

const partsMax = 1000
/** Stands for the repository that is the root itself; no other can be named so. */
const rootPart = '-'

export function isBrowseUrl(url: string): boolean {
  return (
    url === browsePrefix ||
    url.startsWith(`${browsePrefix}/`) ||
    url.startsWith(`${browsePrefix}?`)
  )
}

/** Undefined where it cannot be one. */
export function parseBrowseAddress(url: string): BrowseAddress | undefined {
  const at = url.indexOf('?')
  const path = (at < 0 ? url : url.slice(0, at)).slice(browsePrefix.length)
  const parts = path.split('/').slice(1)
  const isFolder = parts.at(-1) === ''
  const names = (isFolder ? parts.slice(0, -1) : parts).map(decoded)
  if (names.length > partsMax) return undefined
  const bytes = names.filter((name) => name !== undefined).filter(({ length }) => length > 0)
  if (bytes.length !== names.length) return undefined
  const [repository, snapshot, ...below] = bytes
  const name = repository?.toString('utf8')
  return {
    repository: name === rootPart ? '' : name,
    snapshot: snapshot?.toString('latin1'),
    path: below,
    isFolder,
    query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
  }
}

/** The bytes that a percent-encoded part stands for. */
function decoded(part: string): Buffer | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(part)) return undefined
  const text = Buffer.from(part, 'utf8').toString('latin1')
  const plain = text.replace(/%(..)/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16))
  })
  return Buffer.from(plain, 'latin1')
}

/** A name as a part of an address. */
export function encodedName(name: Buffer): string {
  return name.toString('latin1').replace(/[^A-Za-z0-9._~-]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
  })
}

export function repositoryPart(repository: string): string {
  return repository === '' ? rootPart : encodedName(Buffer.from(repository))
}
