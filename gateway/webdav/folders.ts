/** Knows what stands at the places that are no part of a repository: folders on the way to one, and repositories. */
import { LRUCache } from 'lru-cache'
import { parseRepositoryId, type RepositoryId } from '../../fencing/object.js'
import type { Gate } from '../gate/gate.js'
import { foldersOf } from './target.js'

const emptyMax = 1000
const emptyAgeMaxMs = 60 * 60_000

export class Folders {
  readonly #gate: Gate
  /**
   * Folders that a client has made on the way to a repository that is to come. There is nothing of them on the disk
   * until the repository is begun, so they are remembered for an hour only.
   */
  readonly #empty = new LRUCache<RepositoryId, true>({ max: emptyMax, ttl: emptyAgeMaxMs })

  constructor(gate: Gate) {
    this.#gate = gate
  }

  /** Whether a folder stands there that is no repository. */
  async stands(id: RepositoryId): Promise<boolean> {
    return id === '' || this.#empty.has(id) || (await this.namesIn(id)).length > 0
  }

  /** The names of the folders in a folder, or in a repository, that are repositories or lead to some. */
  async namesIn(id: RepositoryId): Promise<string[]> {
    const above = foldersOf(id)
    const names = new Set<string>()
    for (const other of [...(await this.#gate.repositories()), ...this.#empty.keys()]) {
      const folders = foldersOf(other)
      const isBelow = above.every((name, depth) => folders[depth] === name)
      const name = folders[above.length]
      if (isBelow && name !== undefined) names.add(name)
    }
    return [...names]
  }

  noteEmpty(id: RepositoryId): void {
    this.#empty.set(id, true)
  }

  forget(id: RepositoryId): void {
    this.#empty.delete(id)
  }

  /** The repository that a path lies in, if it lies in one; a repository does not lie in itself. */
  async repositoryAbove(parts: readonly string[]): Promise<RepositoryId | undefined> {
    for (let depth = parts.length - 1; depth >= 0; depth -= 1) {
      const id = parseRepositoryId(parts.slice(0, depth))
      if (id !== undefined && (await this.#gate.exists(id))) return id
    }
    return undefined
  }
}
