/** Reads an index file: which pack holds which blob, and where. Each entry is told as it is read; none is kept. */
import { sealBytes } from './cipher.js'
import { damaged } from './format-error.js'
import { idBytes } from './id.js'
import { JsonScanner } from './json-scanner.js'

export const blobTypes = ['data', 'tree'] as const
export type BlobType = (typeof blobTypes)[number]

/** Where a blob lies in its pack. */
export interface BlobPlace {
  readonly type: BlobType
  readonly offset: number
  /** Of the sealed bytes. */
  readonly length: number
  /** 0 where it is not compressed. */
  readonly uncompressedLength: number
}

export interface IndexSink {
  /** The blobs that follow are of this pack. The 32 bytes are overwritten later: copy them. */
  readonly pack: (id: Buffer) => void
  /** The 32 bytes and the place are overwritten later: copy them. */
  readonly blob: (id: Buffer, place: BlobPlace) => void
}

type Draft = { -readonly [K in keyof BlobPlace]: BlobPlace[K] }

/** Throws on damage; what was told until then may be a part of the file. */
export function readIndex(text: Buffer, sink: IndexSink): void {
  const scanner = new JsonScanner(text, 'an index').requireUtf8()
  const packId = Buffer.alloc(idBytes)
  const reader = new BlobReader(sink)
  scanner.object((key) => {
    if (key !== 'packs') scanner.skip()
    else {
      scanner.array(() => {
        const pack = { isNamed: false, blobsAt: -1 }
        scanner.object((field) => {
          if (field === 'id') {
            if (pack.isNamed) throw damaged('an index names one pack twice')
            scanner.copyId(packId, 0)
            pack.isNamed = true
            sink.pack(packId)
          } else if (field !== 'blobs') scanner.skip()
          else if (pack.isNamed) reader.read(scanner)
          else {
            pack.blobsAt = scanner.position
            scanner.skip()
          }
        })
        if (!pack.isNamed) throw damaged('an index has a pack without a name')
        if (pack.blobsAt >= 0) reader.read(new JsonScanner(text, 'an index', pack.blobsAt))
      })
    }
  })
  scanner.end()
}

class BlobReader {
  readonly #sink: IndexSink
  readonly #id = Buffer.alloc(idBytes)
  readonly #place: Draft = { type: 'data', offset: 0, length: 0, uncompressedLength: 0 }

  constructor(sink: IndexSink) {
    this.#sink = sink
  }

  read(scanner: JsonScanner): void {
    scanner.array(() => this.#readOne(scanner))
  }

  #readOne(scanner: JsonScanner): void {
    const place = this.#place
    let seen = 0
    place.uncompressedLength = 0
    scanner.object((key) => {
      switch (key) {
        case 'id':
          scanner.copyId(this.#id, 0)
          seen |= 1
          break
        case 'type':
          place.type = blobTypeOf(scanner.text())
          seen |= 2
          break
        case 'offset':
          place.offset = scanner.uint32()
          seen |= 4
          break
        case 'length':
          place.length = scanner.uint32()
          seen |= 8
          break
        case 'uncompressed_length':
          place.uncompressedLength = scanner.uint32()
          break
        default:
          scanner.skip()
      }
    })
    if (seen !== 15) throw damaged('an index has a blob without a place')
    if (place.length < sealBytes) throw damaged('an index has a blob that is too short')
    this.#sink.blob(this.#id, place)
  }
}

function blobTypeOf(text: string): BlobType {
  const type = blobTypes.find((each) => each === text)
  if (type === undefined) throw damaged('an index has a blob of no known type')
  return type
}
