/** Opens the files that lie outside of packs: config, locks, snapshots and indexes. */
import type { SealingKey } from './cipher.js'
import { decompress, type Decompressor } from './decompressor.js'
import { damaged, FormatError } from './format-error.js'
import { idOf } from './id.js'
import { readWhole, type FileName, type RepositoryFiles } from './ports.js'

/** Of the JSON, and of the sealed file. */
export const fileBytesMax = {
  config: 64 * 1024,
  locks: 2 ** 20,
  snapshots: 64 * 2 ** 20,
  index: 512 * 2 ** 20,
} as const
export type UnpackedType = keyof typeof fileBytesMax

const compressedMark = 2
const openBrace = 0x7b
const openBracket = 0x5b

/** The JSON of a sealed file. Only the config is never compressed. */
export async function openUnpacked(
  key: SealingKey,
  sealed: Buffer,
  { name, lengthMax, decompressor }: UnpackedOptions,
): Promise<Buffer> {
  if (sealed.length > lengthMax) {
    throw new FormatError('too-large', `${name} has ${sealed.length} bytes`)
  }
  const opened = key.open(sealed, name)
  const mark = opened[0]
  if (mark === openBrace || mark === openBracket) return opened
  if (mark !== compressedMark || name === 'config') {
    throw new FormatError('unsupported', `${name} has a form that this reader does not know`)
  }
  return decompress(opened.subarray(1), { lengthMax }, decompressor)
}

export interface UnpackedOptions {
  readonly name: FileName
  readonly lengthMax: number
  readonly decompressor?: Decompressor
}

/** Reads and opens a file, whose name must be the SHA-256 of its bytes; the config has none. */
export async function readUnpacked(
  files: RepositoryFiles,
  key: SealingKey,
  name: FileName,
): Promise<Buffer> {
  const lengthMax = fileBytesMax[typeOf(name)]
  const sealed = await readWhole(files, name, lengthMax)
  if (name !== 'config' && !name.endsWith(`/${idOf(sealed)}`)) {
    throw damaged(`${name}: its bytes have another hash`)
  }
  return openUnpacked(key, sealed, { name, lengthMax })
}

function typeOf(name: FileName): UnpackedType {
  const type = name.split('/')[0] ?? ''
  if (!Object.hasOwn(fileBytesMax, type)) throw new TypeError(`${name} is no unpacked file`)
  return type as UnpackedType
}
