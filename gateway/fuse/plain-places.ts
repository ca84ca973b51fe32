/**
 * Knows which paths of a mount are ordinary files beside the repositories, and where they lie. A folder that holds more
 * than restic's own names, and none of those that only restic has, is no repository; neither is what lies deeper than
 * repositories can. In doubt it is one.
 */
import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { objectTypes, repositoryDepthMax, stateFolderName } from '../../fencing/object.js'
import { CallError } from './errno.js'

type FolderKind = 'repository' | 'plain' | 'empty'

const restics: ReadonlySet<string> = new Set(objectTypes)
/** Of what a repository has, these are nobody else's. */
const resticsAlone: ReadonlySet<string> = new Set(['keys', 'locks', 'snapshots', 'index'])
const knownMax = 1024
const knownAgeMaxMs = 1_000

export class PlainPlaces {
  readonly #root: string
  /** Folders that were plain a moment ago. */
  readonly #known = new LRUCache<string, true>({ max: knownMax, ttl: knownAgeMaxMs })

  /** The real path of the folder of the repositories. */
  constructor(root: string) {
    this.#root = root
  }

  /** Where a path's bytes lie; undefined where they are a repository's, or may become one's. Links are not followed. */
  async locate(path: string): Promise<string | undefined> {
    const parts = partsOf(path)
    if (parts.includes(stateFolderName)) throw new CallError('EACCES')
    const first = parts.findIndex((part) => restics.has(part) || part.startsWith('config-tmp-'))
    if (first >= 0 && first <= repositoryDepthMax) {
      if (!(await this.#isPlain(parts.slice(0, first)))) return undefined
    }
    const place = join(this.#root, ...parts)
    if ((await realpath(dirname(place))) !== dirname(place)) throw new CallError('EACCES')
    return place
  }

  /** Whether a folder that was located is a repository all the same. */
  async isRepository(path: string): Promise<boolean> {
    const parts = partsOf(path)
    if (parts.length > repositoryDepthMax) return false
    return (await this.#kindOf(join(this.#root, ...parts))) === 'repository'
  }

  /** Whether a folder has repositories in it, or is one. */
  async holdsRepository(path: string): Promise<boolean> {
    if (await this.isRepository(path)) return true
    if (partsOf(path).length >= repositoryDepthMax) return false
    const names = await namesIn(join(this.#root, ...partsOf(path)))
    const found = await Promise.all(names.map((name) => this.isRepository(`${path}/${name}`)))
    return found.includes(true)
  }

  async #isPlain(folders: readonly string[]): Promise<boolean> {
    // The folder of the repositories itself is theirs.
    if (folders.length === 0) return false
    const folder = join(this.#root, ...folders)
    if (this.#known.has(folder)) return true
    const isPlain = (await this.#kindOf(folder)) === 'plain'
    if (isPlain) this.#known.set(folder, true)
    return isPlain
  }

  async #kindOf(folder: string): Promise<FolderKind> {
    const names = (await namesIn(folder)).filter((name) => name !== stateFolderName)
    if (names.length === 0) return 'empty'
    const isRestics =
      names.some((name) => resticsAlone.has(name)) || names.every((name) => restics.has(name))
    return isRestics ? 'repository' : 'plain'
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
