/** Reads the header at the end of a pack: what it says of its own blobs. */
import { sealBytes, type SealingKey } from './cipher.js'
import { damaged, FormatError } from './format-error.js'
import { idAt, idBytes, type Id } from './id.js'
import type { BlobPlace, BlobType } from './index-file.js'
import type { OpenFile } from './ports.js'

const lengthBytes = 4
/** As restic bounds it. */
const headerBytesMax = 16 * 2 ** 20
const tailBytes = 4096

export interface PackedBlob extends BlobPlace {
  readonly id: Id
}

/** By the byte that an entry begins with. */
const entryTypes: readonly { readonly type: BlobType; readonly isCompressed: boolean }[] = [
  { type: 'data', isCompressed: false },
  { type: 'tree', isCompressed: false },
  { type: 'data', isCompressed: true },
  { type: 'tree', isCompressed: true },
]

/** Nearly always one read. Throws where the header does not account for every byte of the pack. */
export async function readPackHeader(
  pack: OpenFile,
  key: SealingKey,
  name: string,
): Promise<PackedBlob[]> {
  const tail = await pack.read(
    Math.max(0, pack.size - tailBytes),
    Math.min(pack.size, tailBytes),
  )
  if (tail.length < lengthBytes) throw damaged(`pack ${name} is too short`)
  const headerBytes = tail.readUInt32LE(tail.length - lengthBytes)
  if (headerBytes > headerBytesMax) {
    throw new FormatError('too-large', `the header of pack ${name} claims ${headerBytes} bytes`)
  }
  const start = pack.size - lengthBytes - headerBytes
  if (headerBytes < sealBytes || start < 0) throw damaged(`pack ${name} has no header`)
  const sealed =
    headerBytes + lengthBytes <= tail.length
      ? tail.subarray(-lengthBytes - headerBytes, -lengthBytes)
      : await pack.read(start, headerBytes)
  return parsePackHeader(key.open(sealed, `the header of pack ${name}`), start, name)
}

/** `blobsBytes` is how many bytes lie before the header. */
export function parsePackHeader(
  header: Buffer,
  blobsBytes: number,
  name: string,
): PackedBlob[] {
  const blobs: PackedBlob[] = []
  let at = 0
  let offset = 0
  while (at < header.length) {
    const entry = entryTypes[header[at] ?? -1]
    const width = 1 + lengthBytes + (entry?.isCompressed === true ? lengthBytes : 0) + idBytes
    if (entry === undefined || at + width > header.length) {
      throw damaged(`the header of pack ${name} has an entry of no known form`)
    }
    const length = header.readUInt32LE(at + 1)
    const uncompressedLength = entry.isCompressed ? header.readUInt32LE(at + 5) : 0
    const id = idAt(header, at + width - idBytes)
    if (length < sealBytes) throw damaged(`pack ${name} has a blob that is too short`)
    blobs.push({ id, type: entry.type, offset, length, uncompressedLength })
    offset += length
    at += width
  }
  if (offset !== blobsBytes) throw damaged(`the header of pack ${name} does not fit its blobs`)
  return blobs
}
