/** Reads the outline of a zstd frame (RFC 8878), without decompressing: how much may come out of it. */
import { damaged, FormatError } from './format-error.js'

const magic = 0xfd2fb528
const blockBytesMax = 128 * 1024

export interface FrameOutline {
  /** What the frame says that its content has; frames of less than 256 bytes often say nothing. */
  readonly contentBytes: number | undefined
  /** No more than this can come out of its blocks, whatever the frame says. */
  readonly outputBytesMax: number
}

/** Throws unless the bytes are one whole frame without a dictionary, and nothing beside it. */
export function outlineOf(frame: Buffer): FrameOutline {
  if (frame.length < 6 || frame.readUInt32LE(0) !== magic) {
    throw damaged('compressed bytes do not begin as a zstd frame')
  }
  const descriptor = frame.readUInt8(4)
  if ((descriptor & 0x03) !== 0) throw new FormatError('unsupported', 'a zstd dictionary')
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeAt = isSingleSegment ? 5 : 6
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const blocksAt = sizeAt + sizeBytes
  if (frame.length < blocksAt + 3) throw damaged('a zstd frame breaks off')
  const { end, outputBytesMax } = walkBlocks(frame, blocksAt)
  const checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4
  if (end + checksumBytes !== frame.length) {
    throw damaged('a zstd frame does not end where its bytes end')
  }
  return { contentBytes: contentBytesAt(frame, sizeAt, sizeBytes), outputBytesMax }
}

function contentBytesAt(frame: Buffer, at: number, sizeBytes: number): number | undefined {
  if (sizeBytes === 0) return undefined
  if (sizeBytes === 1) return frame.readUInt8(at)
  if (sizeBytes === 2) return frame.readUInt16LE(at) + 256
  if (sizeBytes === 4) return frame.readUInt32LE(at)
  return Number(frame.readBigUInt64LE(at))
}

function walkBlocks(frame: Buffer, from: number): { end: number; outputBytesMax: number } {
  let at = from
  let outputBytesMax = 0
  for (;;) {
    if (at + 3 > frame.length) throw damaged('a zstd frame breaks off')
    const header = frame.readUIntLE(at, 3)
    const size = header >> 3
    const type = (header >> 1) & 3
    if (size > blockBytesMax) throw damaged('a zstd block is too long')
    // Raw bytes, one byte to be repeated, compressed; the fourth type is reserved.
    if (type === 3) throw damaged('a zstd block of no known type')
    at += 3 + (type === 1 ? 1 : size)
    outputBytesMax += type === 2 ? blockBytesMax : size
    if (at > frame.length) throw damaged('a zstd frame breaks off')
    if ((header & 1) !== 0) return { end: at, outputBytesMax }
  }
}
