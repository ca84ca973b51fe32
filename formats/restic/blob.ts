/** Opens a blob as it lies in a pack: nothing comes out whose MAC, length and hash were not checked. */
import { sealBytes, type SealingKey } from './cipher.js'
import { decompress, type Decompressor } from './decompressor.js'
import { damaged, FormatError } from './format-error.js'
import { idOf, type Id } from './id.js'
import type { BlobPlace } from './index-file.js'

/** restic cuts files into blobs of at most 8 MiB; a folder of a million entries has a tree of some hundreds. */
export const contentBytesMax: Readonly<Record<BlobPlace['type'], number>> = {
  data: 64 * 2 ** 20,
  tree: 512 * 2 ** 20,
}

/** How long the content of a blob is. */
export function contentLength({ length, uncompressedLength }: BlobPlace): number {
  return uncompressedLength === 0 ? length - sealBytes : uncompressedLength
}

/** Throws where a blob claims more than is read; ask before its bytes are fetched. */
export function requireBlobFits(id: Id, place: BlobPlace): void {
  const most = contentBytesMax[place.type]
  if (contentLength(place) > most || place.length > most + sealBytes) {
    throw new FormatError('too-large', `blob ${id} claims ${contentLength(place)} bytes`)
  }
}

export interface SealedBlob {
  readonly id: Id
  readonly place: BlobPlace
  /** Of exactly the place's length. */
  readonly sealed: Buffer
}

export async function openBlob(
  key: SealingKey,
  { id, place, sealed }: SealedBlob,
  decompressor?: Decompressor,
): Promise<Buffer> {
  requireBlobFits(id, place)
  if (sealed.length !== place.length) throw damaged(`blob ${id} has not the length it should`)
  const opened = key.open(sealed, `blob ${id}`)
  const length = contentLength(place)
  const content =
    place.uncompressedLength === 0
      ? opened
      : await decompress(opened, { length, lengthMax: length }, decompressor)
  if (idOf(content) !== id) throw damaged(`blob ${id}: its content has another hash`)
  return content
}
