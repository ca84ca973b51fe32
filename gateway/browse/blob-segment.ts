/** Keeps where blobs lie, some fifty bytes for each: sorted by name, in columns. */
import { idAt, idBytes, type Id } from '../../formats/restic/id.js'
import type { BlobPlace, IndexSink } from '../../formats/restic/index-file.js'

export interface LocatedBlob {
  readonly pack: Id
  readonly place: BlobPlace
}

/** Pack and type, offset, length, uncompressed length. */
const columns = 4
const treeBit = 0x8000_0000
const prefixes = 65_536

export class BlobSegment {
  readonly length: number
  readonly #ids: Buffer
  readonly #places: Uint32Array
  readonly #packs: Buffer
  /** Where the names begin that begin with two bytes. */
  readonly #starts: Uint32Array

  constructor(
    ids: Buffer,
    places: Uint32Array,
    { packs, starts }: { packs: Buffer; starts: Uint32Array },
  ) {
    this.length = ids.length / idBytes
    this.#ids = ids
    this.#places = places
    this.#packs = packs
    this.#starts = starts
  }

  get byteLength(): number {
    return this.#ids.length + this.#places.byteLength + this.#packs.length
  }

  find(id: Buffer): LocatedBlob | undefined {
    const prefix = id.readUInt16BE(0)
    const end = this.#starts[prefix + 1] ?? 0
    for (let at = this.#starts[prefix] ?? 0; at < end; at += 1) {
      const from = at * idBytes
      if (this.#ids.compare(id, 0, idBytes, from, from + idBytes) === 0) return this.#at(at)
    }
    return undefined
  }

  #at(row: number): LocatedBlob {
    const at = row * columns
    const pack = this.#places[at] ?? 0
    return {
      pack: idAt(this.#packs, (pack & ~treeBit) * idBytes),
      place: {
        type: (pack & treeBit) === 0 ? 'data' : 'tree',
        offset: this.#places[at + 1] ?? 0,
        length: this.#places[at + 2] ?? 0,
        uncompressedLength: this.#places[at + 3] ?? 0,
      },
    }
  }
}

/** Collects what indexes say. */
export class BlobCollector implements IndexSink {
  #ids = Buffer.allocUnsafeSlow(1024 * idBytes)
  #places = new Uint32Array(1024 * columns)
  #packs = Buffer.allocUnsafeSlow(64 * idBytes)
  #blobCount = 0
  #packCount = 0

  readonly pack = (id: Buffer): void => {
    if (this.#packs.length === this.#packCount * idBytes) this.#packs = doubled(this.#packs)
    id.copy(this.#packs, this.#packCount * idBytes)
    this.#packCount += 1
  }

  readonly blob = (id: Buffer, place: BlobPlace): void => {
    if (this.#ids.length === this.#blobCount * idBytes) {
      this.#ids = doubled(this.#ids)
      const places = new Uint32Array(2 * this.#places.length)
      places.set(this.#places)
      this.#places = places
    }
    id.copy(this.#ids, this.#blobCount * idBytes)
    const at = this.#blobCount * columns
    const pack = this.#packCount - 1
    this.#places[at] = place.type === 'tree' ? (pack | treeBit) >>> 0 : pack
    this.#places[at + 1] = place.offset
    this.#places[at + 2] = place.length
    this.#places[at + 3] = place.uncompressedLength
    this.#blobCount += 1
  }

  /** Sorts by the first two bytes of the names: a name is then looked for among a few. */
  finish(): BlobSegment {
    const count = this.#blobCount
    const starts = new Uint32Array(prefixes + 1)
    for (let row = 0; row < count; row += 1)
      bump(starts, this.#ids.readUInt16BE(row * idBytes) + 1)
    for (let prefix = 0; prefix < prefixes; prefix += 1) {
      starts[prefix + 1] = (starts[prefix + 1] ?? 0) + (starts[prefix] ?? 0)
    }
    const next = starts.slice()
    const ids = Buffer.allocUnsafeSlow(count * idBytes)
    const places = new Uint32Array(count * columns)
    for (let row = 0; row < count; row += 1) {
      const prefix = this.#ids.readUInt16BE(row * idBytes)
      const to = next[prefix] ?? 0
      next[prefix] = to + 1
      this.#ids.copy(ids, to * idBytes, row * idBytes, (row + 1) * idBytes)
      places.set(this.#places.subarray(row * columns, (row + 1) * columns), to * columns)
    }
    const packs = Buffer.from(this.#packs.subarray(0, this.#packCount * idBytes))
    return new BlobSegment(ids, places, { packs, starts })
  }
}

function bump(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] ?? 0) + 1
}

function doubled(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const more = Buffer.allocUnsafeSlow(2 * bytes.length)
  bytes.copy(more)
  return more
}
