/** Reads a file's content from its blobs, from any place on, some blobs ahead of what is asked for. */
import { idAt, idBytes, type Id } from '../../formats/restic/id.js'
import type { Blobs } from './blobs.js'

const aheadBytes = 8 * 2 ** 20

export class FileContent {
  readonly #blobs: Blobs
  readonly #ids: Buffer
  /** Where each blob begins in the file, and where the last one ends. */
  readonly #offsets: Float64Array

  private constructor(blobs: Blobs, ids: Buffer, offsets: Float64Array) {
    this.#blobs = blobs
    this.#ids = ids
    this.#offsets = offsets
  }

  /** Asks the index for the length of each blob; none is read. */
  static async open(blobs: Blobs, ids: Buffer): Promise<FileContent> {
    const count = ids.length / idBytes
    const offsets = new Float64Array(count + 1)
    for (let at = 0; at < count; at += 1) {
      offsets[at + 1] = (offsets[at] ?? 0) + (await blobs.lengthOf(idAt(ids, at * idBytes)))
    }
    return new FileContent(blobs, ids, offsets)
  }

  get size(): number {
    return this.#offsets.at(-1) ?? 0
  }

  /** The bytes from `start` up to, not with, `end`. */
  async *read(start = 0, end = this.size): AsyncGenerator<Buffer> {
    let at = this.#blobAt(start)
    let coming: Promise<Buffer[]> | undefined
    let position = start
    while (position < end) {
      const ids = this.#windowFrom(at, end)
      const contents = await (coming ?? this.#blobs.fetch(ids))
      const next = this.#windowFrom(at + ids.length, end)
      coming = next.length > 0 ? this.#blobs.fetch(next) : undefined
      // Whoever stops in between leaves a promise that nobody waits for.
      coming?.catch(() => undefined)
      for (const content of contents) {
        const from = position - (this.#offsets[at] ?? 0)
        const until = Math.min(content.length, end - (this.#offsets[at] ?? 0))
        if (until > from) yield content.subarray(from, until)
        at += 1
        position = Math.min(end, this.#offsets[at] ?? end)
      }
    }
  }

  /** The blob that holds a byte. */
  #blobAt(position: number): number {
    let low = 0
    let high = this.#offsets.length - 1
    while (low + 1 < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] ?? 0) <= position) low = middle
      else high = middle
    }
    return low
  }

  /** The names of the blobs from one on that are fetched at once: at least one, of those that begin before `end`. */
  #windowFrom(first: number, end: number): Id[] {
    const ids: Id[] = []
    const start = this.#offsets[first] ?? end
    for (let at = first; at < this.#offsets.length - 1; at += 1) {
      const offset = this.#offsets[at] ?? end
      if (offset >= end || (ids.length > 0 && offset - start >= aheadBytes)) break
      ids.push(idAt(this.#ids, at * idBytes))
    }
    return ids
  }
}
