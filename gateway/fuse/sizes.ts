/** Knows what a process has just been shown: whoever lists a folder asks for the size of each file in it next. */
import { LRUCache } from 'lru-cache'
import { digestOf, typeOf, type ObjectName, type RepositoryId } from '../../fencing/object.js'
import type { Caller } from './operations.js'
import type { Entry } from './opening.js'

const listingsMax = 256
const listingAgeMaxMs = 10_000
const sizesMax = 4096
const sizeAgeMaxMs = 1_000

export class Sizes {
  readonly #listings = new LRUCache<string, Map<string, number>>({
    max: listingsMax,
    ttl: listingAgeMaxMs,
  })
  readonly #single = new LRUCache<string, number>({ max: sizesMax, ttl: sizeAgeMaxMs })

  listed(caller: Caller, folder: string, entries: readonly Entry[]): void {
    const sizes = new Map(entries.map(({ id, size }) => [id, size]))
    this.#listings.set(`${nameOf(caller)} ${folder}`, sizes)
  }

  /** Undefined where it was not shown lately, which says nothing. */
  of(caller: Caller, repository: RepositoryId, object: ObjectName): number | undefined {
    const listing = this.#listings.get(`${nameOf(caller)} ${folderOf(repository, object)}`)
    return (
      listing?.get(digestOf(object) ?? '') ??
      this.#single.get(keyOf(caller, repository, object))
    )
  }

  note(caller: Caller, repository: RepositoryId, object: ObjectName, size: number): void {
    this.#single.set(keyOf(caller, repository, object), size)
  }

  /** To be called for what was removed: nobody is shown it any more. */
  forget(repository: RepositoryId, object: ObjectName): void {
    const folder = ` ${folderOf(repository, object)}`
    for (const [key, listing] of this.#listings.entries()) {
      if (key.endsWith(folder)) listing.delete(digestOf(object) ?? '')
    }
    const suffix = ` ${repository} ${object}`
    for (const key of this.#single.keys()) {
      if (key.endsWith(suffix)) this.#single.delete(key)
    }
  }
}

/** How a folder of objects is called where sizes are noted. */
export function folderOf(repository: RepositoryId, object: ObjectName): string {
  const type = typeOf(object)
  const digest = digestOf(object) ?? ''
  return `${repository} ${type === 'data' ? `data/${digest.slice(0, 2)}` : type}`
}

function keyOf(caller: Caller, repository: RepositoryId, object: ObjectName): string {
  return `${nameOf(caller)} ${repository} ${object}`
}

function nameOf(caller: Caller): string {
  return caller?.name ?? ''
}
