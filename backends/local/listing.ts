/** Knows how the objects of one type are listed with their sizes, quickly, while others come and go. */
import { join } from 'node:path'
import type { ListedType } from '../../fencing/object.js'
import type { ListEntry } from '../../fencing/ports.js'
import type { Disk } from './disk.js'
import { unless } from './faults.js'
import { ListThreads } from './list-threads.js'
import { isObject, isPackOf, isShard } from './pack-names.js'

/** Calls under way at once; more would only wait in line before the few threads that carry them out. */
const parallelMax = 32
/** Names of packs are hashes, so a few folders tell how full all are. */
const sampledShards = 4
/** From about this many packs a folder on, the list is made on threads of its own. */
const packsPerShardForThreads = 8

export class Listing {
  readonly #disk: Disk
  readonly #threads = new ListThreads()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Of a type's folder; links in it are not followed, and what goes meanwhile is left out. */
  async list(folder: string, type: ListedType, prefix?: string): Promise<ListEntry[]> {
    if (type !== 'data') {
      const names = await this.#disk.names(folder)
      return this.#measure(names.filter(isObject), (id) => join(folder, id))
    }
    const inside = await this.#disk.entries(folder)
    const shards = inside
      .filter((entry) => isShard(entry.name) && entry.isDirectory())
      .map(({ name }) => name)
      .filter((shard) => prefix === undefined || shard === prefix)
    const sample = await this.#packs(folder, shards.slice(0, sampledShards))
    if (shards.length > sampledShards) {
      const isFull = sample.length >= sampledShards * packsPerShardForThreads
      if (isFull) return this.#threads.list(folder, shards)
    }
    const others = await this.#packs(folder, shards.slice(sampledShards))
    return this.#measure([...sample, ...others], (id) => join(folder, id.slice(0, 2), id))
  }

  async #packs(folder: string, shards: readonly string[]): Promise<string[]> {
    const found: string[] = []
    await inParallel(shards, async (shard) => {
      const names = await unless(['ENOENT'], [], this.#disk.names(join(folder, shard)))
      for (const name of names) if (isPackOf(shard, name)) found.push(name)
    })
    return found
  }

  /** Nothing but the entries outlives a call: with tens of thousands of names all else would add up. */
  async #measure(ids: readonly string[], pathOf: (id: string) => string): Promise<ListEntry[]> {
    const entries: ListEntry[] = []
    await inParallel(ids, async (id) => {
      const stats = await unless(['ENOENT'], undefined, this.#disk.stat(pathOf(id)))
      if (stats?.isFile() !== true) return
      entries.push({ id, size: stats.size, modifiedMs: stats.mtimeMs })
    })
    return entries
  }
}

async function inParallel<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  const work = async (): Promise<void> => {
    for (const one of left) await act(one)
  }
  await Promise.all(Array.from({ length: Math.min(parallelMax, all.length) }, work))
}
