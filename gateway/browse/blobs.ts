/** Fetches blobs: each once however many ask, neighbours in a pack in one read, within bounded memory. */
import { LRUCache } from 'lru-cache'
import { contentLength, openBlob, requireBlobFits } from '../../formats/restic/blob.js'
import { FormatError } from '../../formats/restic/format-error.js'
import type { Id } from '../../formats/restic/id.js'
import type { KeyedRepository } from '../../formats/restic/repository.js'
import type { BlobIndex } from './blob-index.js'
import type { LocatedBlob } from './blob-segment.js'

/** Bytes between two wanted blobs that are read and dropped rather than asked around. */
const gapBytesMax = 256 * 1024
const runBytesMax = 16 * 2 ** 20

interface Wanted extends LocatedBlob {
  readonly id: Id
}

export class Blobs {
  readonly #repository: KeyedRepository
  readonly #index: BlobIndex
  readonly #contents: LRUCache<Id, Buffer>
  readonly #coming = new Map<Id, Promise<Buffer>>()

  constructor(repository: KeyedRepository, index: BlobIndex, cacheBytesMax: number) {
    this.#repository = repository
    this.#index = index
    this.#contents = new LRUCache({
      maxSize: cacheBytesMax,
      sizeCalculation: ({ length }) => Math.max(length, 1),
    })
  }

  /** How long a blob's content is, asking the indexes again for one that is not known. */
  async lengthOf(id: Id): Promise<number> {
    return contentLength((await this.#locate(id)).place)
  }

  async get(id: Id): Promise<Buffer> {
    const [content] = await this.fetch([id])
    if (content === undefined) throw new FormatError('missing', `blob ${id} is not there`)
    return content
  }

  /** All of them, in order; the caller keeps what it asks for at once within bounds. */
  async fetch(ids: readonly Id[]): Promise<Buffer[]> {
    const missing = [...new Set(ids)].filter(
      (id) => !this.#contents.has(id) && !this.#coming.has(id),
    )
    const kept = ids.map((id) => this.#contents.get(id) ?? this.#coming.get(id))
    if (missing.length > 0) await this.#start(missing)
    return Promise.all(
      ids.map(async (id, at) => kept[at] ?? this.#coming.get(id) ?? this.get(id)),
    )
  }

  async #start(ids: readonly Id[]): Promise<void> {
    const wanted = await Promise.all(
      ids.map(async (id): Promise<Wanted> => ({ id, ...(await this.#locate(id)) })),
    )
    for (const run of runsOf(wanted.filter(({ id }) => !this.#coming.has(id)))) {
      const sealed = this.#readRun(run)
      for (const blob of run) {
        const coming = sealed.then(
          (bytes) => this.#open(blob, run, bytes),
          (error: unknown) => this.#openElsewhere(blob, error),
        )
        this.#coming.set(blob.id, coming)
        coming.then(
          (content) => {
            this.#contents.set(blob.id, content)
            this.#coming.delete(blob.id)
          },
          () => this.#coming.delete(blob.id),
        )
      }
    }
  }

  async #open({ id, place }: Wanted, run: readonly Wanted[], bytes: Buffer): Promise<Buffer> {
    const at = place.offset - (run[0]?.place.offset ?? 0)
    const sealed = bytes.subarray(at, at + place.length)
    return openBlob(this.#repository.key, { id, place, sealed })
  }

  /** A prune may have put the blob into another pack: the indexes say so by then. */
  async #openElsewhere(blob: Wanted, error: unknown): Promise<Buffer> {
    if (!(error instanceof FormatError && error.code === 'missing')) throw error
    await this.#index.refresh()
    const found = this.#index.find(blob.id)
    if (found === undefined || found.pack === blob.pack) throw error
    const run = [{ id: blob.id, ...found }] as const
    return this.#open(run[0], run, await this.#readRun(run))
  }

  async #readRun(run: readonly Wanted[]): Promise<Buffer> {
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return Buffer.alloc(0)
    for (const { id, place } of run) requireBlobFits(id, place)
    const { pack } = first
    const file = await this.#repository.files.open(`data/${pack}`)
    if (file === undefined) throw new FormatError('missing', `pack ${pack} is not there`)
    try {
      const start = first.place.offset
      const end = last.place.offset + last.place.length
      if (end > file.size) throw new FormatError('damaged', `pack ${pack} ends early`)
      return await file.read(start, end - start)
    } finally {
      await file.close()
    }
  }

  async #locate(id: Id): Promise<LocatedBlob> {
    const found = this.#index.find(id)
    if (found !== undefined) return found
    await this.#index.refresh()
    const late = this.#index.find(id)
    if (late === undefined) throw new FormatError('missing', `no index names blob ${id}`)
    return late
  }
}

/** Groups blobs that lie near each other in one pack, in the order of their places. */
function runsOf(wanted: readonly Wanted[]): Wanted[][] {
  const sorted = wanted.toSorted((one, other) =>
    one.pack === other.pack
      ? one.place.offset - other.place.offset
      : one.pack.localeCompare(other.pack),
  )
  const runs: Wanted[][] = []
  for (const blob of sorted) {
    const run = runs.at(-1)
    if (run !== undefined && belongsTo(run, blob)) run.push(blob)
    else runs.push([blob])
  }
  return runs
}

function belongsTo(run: readonly Wanted[], { pack, place }: Wanted): boolean {
  const [first] = run
  const last = run.at(-1)
  if (first === undefined || last === undefined || first.pack !== pack) return false
  const gap = place.offset - (last.place.offset + last.place.length)
  const bytes = place.offset + place.length - first.place.offset
  return gap >= 0 && gap <= gapBytesMax && bytes <= runBytesMax
}
