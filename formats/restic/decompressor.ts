/** Decompresses zstd by whichever implementation is there, and lets out no more than was asked for. */
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'
import { ZSTDDecoder } from 'zstddec'
import { damaged, FormatError } from './format-error.js'
import { outlineOf } from './zstd-frame.js'

export interface OutputBound {
  /** Exactly so many bytes must come out, where that is known. */
  readonly length?: number | undefined
  readonly lengthMax: number
}

/** Answers the content of one frame; throws on damage. What comes out is checked by `decompress`, below. */
export interface Decompressor {
  readonly name: 'node' | 'addon' | 'wasm'
  /**
   * Whether it stops by itself at `room` bytes. One that does not is never given a frame whose blocks could hold much
   * more.
   */
  readonly isBounded: boolean
  readonly decode: (frame: Buffer, room: number) => Promise<Buffer>
}

const smallBytes = 2 ** 20

/** Decompresses one frame. Whatever the implementation answers, the length that is known must come out. */
export async function decompress(
  frame: Buffer,
  { length, lengthMax }: OutputBound,
  decompressor = bestDecompressor(),
): Promise<Buffer> {
  const { contentBytes, outputBytesMax } = outlineOf(frame)
  const expected = length ?? contentBytes
  if (expected !== undefined && expected > lengthMax) {
    throw new FormatError('too-large', `a compressed text claims ${expected} bytes`)
  }
  if (contentBytes !== undefined && contentBytes !== expected) {
    throw damaged('a compressed text has not the length that its index says')
  }
  const room = expected ?? Math.min(outputBytesMax, lengthMax)
  const isSafe = decompressor.isBounded || outputBytesMax <= 4 * room + smallBytes
  const decoder = isSafe ? decompressor : wasmDecompressor
  const content = await decoder.decode(frame, room)
  // One implementation answers an empty buffer on damage, without a word.
  if (content.length === 0 && room > 0) throw damaged('a compressed text is damaged')
  if (content.length > room || (expected !== undefined && content.length !== expected)) {
    throw damaged('a compressed text has another length than it should')
  }
  return content
}

type ZstdOfNode = (
  frame: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, content: Buffer) => void,
) => void

/** Undefined before Node 22.15. */
export function nodeDecompressor(): Decompressor | undefined {
  const { zstdDecompress } = zlib as { readonly zstdDecompress?: ZstdOfNode }
  if (zstdDecompress === undefined) return undefined
  const decode = (frame: Buffer, room: number): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      zstdDecompress(frame, { maxOutputLength: Math.max(room, 1) }, (error, content) => {
        if (error === null) resolve(content)
        else reject(asDamaged(error))
      })
    })
  return { name: 'node', isBounded: true, decode }
}

interface Addon {
  readonly decompress: (frame: Buffer) => Promise<Buffer>
}

/** Undefined where there is no build of it for this system. */
export function addonDecompressor(): Decompressor | undefined {
  let addon: Addon
  try {
    addon = createRequire(import.meta.url)('@mongodb-js/zstd') as Addon
  } catch {
    return undefined
  }
  const decode = async (frame: Buffer): Promise<Buffer> => {
    try {
      return await addon.decompress(frame)
    } catch (error) {
      throw asDamaged(error)
    }
  }
  return { name: 'addon', isBounded: false, decode }
}

let wasm: Promise<ZSTDDecoder> | undefined

async function startWasm(): Promise<ZSTDDecoder> {
  const decoder = new ZSTDDecoder()
  await decoder.init()
  return decoder
}

/** Runs everywhere. */
export const wasmDecompressor: Decompressor = {
  name: 'wasm',
  isBounded: true,
  decode: async (frame, room) => {
    wasm ??= startWasm()
    const decoder = await wasm
    try {
      const content = decoder.decode(frame, Math.max(room, 1))
      return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    } catch (error) {
      throw asDamaged(error)
    }
  },
}

function asDamaged(error: unknown): FormatError {
  const why = error instanceof Error ? error.message : String(error)
  return new FormatError('damaged', `a compressed text is damaged: ${why}`, { cause: error })
}

let best: Decompressor | undefined

/** Node's own, else the addon, else wasm; found once. */
export function bestDecompressor(): Decompressor {
  best ??= nodeDecompressor() ?? addonDecompressor() ?? wasmDecompressor
  return best
}
