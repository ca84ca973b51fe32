/** One repository whose password the gateway has: its snapshots, folders and files. */
import { LRUCache } from 'lru-cache'
import type { Snapshot } from '../../formats/restic/documents.js'
import { FormatError } from '../../formats/restic/format-error.js'
import { parseId, type Id } from '../../formats/restic/id.js'
import type { Node } from '../../formats/restic/node.js'
import { loadSnapshot, type KeyedRepository } from '../../formats/restic/repository.js'
import { parseTree, type Tree } from '../../formats/restic/tree.js'
import { BlobIndex } from './blob-index.js'
import { Blobs } from './blobs.js'
import { FileContent } from './file-content.js'

export interface NamedSnapshot extends Snapshot {
  readonly id: Id
}

const blobCacheBytesMax = 64 * 2 ** 20
const treeCacheBytesMax = 64 * 2 ** 20
/** So long a list of snapshots is believed: a new one is there within a second. */
const listedMs = 500
const snapshotsAtOnce = 8

export class BrowsedRepository {
  readonly #repository: KeyedRepository
  readonly #monotonic: () => number
  readonly #blobs: Blobs
  readonly #trees = new LRUCache<Id, Tree>({
    maxSize: treeCacheBytesMax,
    sizeCalculation: ({ byteLength }) => byteLength + 1,
  })
  readonly #snapshots = new Map<Id, NamedSnapshot>()
  #listing: { readonly at: number; readonly all: Promise<NamedSnapshot[]> } | undefined

  constructor(repository: KeyedRepository, monotonic: () => number) {
    this.#repository = repository
    this.#monotonic = monotonic
    this.#blobs = new Blobs(repository, new BlobIndex(repository), blobCacheBytesMax)
  }

  /** The newest first. One that cannot be read is left out. */
  snapshots(): Promise<NamedSnapshot[]> {
    const now = this.#monotonic()
    if (this.#listing === undefined || now - this.#listing.at > listedMs) {
      const all = this.#list()
      this.#listing = { at: now, all }
      all.catch(() => (this.#listing = undefined))
    }
    return this.#listing.all
  }

  async #list(): Promise<NamedSnapshot[]> {
    const listed = await this.#repository.files.list('snapshots')
    const ids = listed.map(({ id }) => parseId(id)).filter((id) => id !== undefined)
    const there = new Set(ids)
    for (const id of this.#snapshots.keys()) if (!there.has(id)) this.#snapshots.delete(id)
    const unread = ids.filter((id) => !this.#snapshots.has(id))
    const read = async (): Promise<void> => {
      for (let id = unread.pop(); id !== undefined; id = unread.pop())
        await this.#readSnapshot(id)
    }
    await Promise.all(Array.from({ length: snapshotsAtOnce }, read))
    return [...this.#snapshots.values()].sort((one, other) =>
      one.time.ns === other.time.ns ? 0 : one.time.ns > other.time.ns ? -1 : 1,
    )
  }

  async #readSnapshot(id: Id): Promise<void> {
    try {
      this.#snapshots.set(id, { id, ...(await loadSnapshot(this.#repository, id)) })
    } catch (error) {
      // Deleted since it was listed, or damaged: the others are still to be seen.
      if (!(error instanceof FormatError)) throw error
    }
  }

  /** By its name, or the only one whose name begins so. */
  async snapshot(name: string): Promise<NamedSnapshot | undefined> {
    const found = (await this.snapshots()).filter(({ id }) => id.startsWith(name))
    return found.length === 1 ? found[0] : undefined
  }

  async tree(id: Id): Promise<Tree> {
    const known = this.#trees.get(id)
    if (known !== undefined) return known
    const tree = parseTree(await this.#blobs.get(id))
    this.#trees.set(id, tree)
    return tree
  }

  content(node: Node): Promise<FileContent> {
    return FileContent.open(this.#blobs, node.content)
  }

  /** The entry at a path below a snapshot; `'root'` for no path, undefined for nothing there. */
  async find(
    { tree }: Pick<Snapshot, 'tree'>,
    path: readonly Buffer[],
  ): Promise<Node | 'root' | undefined> {
    let node: Node | 'root' = 'root'
    let folder: Id | undefined = tree
    for (const name of path) {
      if (folder === undefined) return undefined
      const found: Node | undefined = (await this.tree(folder)).find(name)
      if (found === undefined) return undefined
      node = found
      folder = found.subtree
    }
    return node
  }
}
