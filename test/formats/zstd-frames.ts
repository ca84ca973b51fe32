/** Writes zstd frames by hand: from blocks of one repeated byte, and of bytes as they are. */

export interface FrameParts {
  /** What the header claims; without it the header says nothing. */
  readonly claims?: number
  readonly blocks: readonly Block[]
  readonly windowByte?: number
}

export type Block =
  | { readonly kind: 'raw'; readonly bytes: Buffer }
  | { readonly kind: 'repeated'; readonly byte: number; readonly count: number }

export const zstdFrame = ({ claims, blocks, windowByte = 0x50 }: FrameParts): Buffer => {
  const head = Buffer.from([
    0x28,
    0xb5,
    0x2f,
    0xfd,
    claims === undefined ? 0 : 0x80,
    windowByte,
  ])
  const claim = Buffer.alloc(claims === undefined ? 0 : 4)
  if (claims !== undefined) claim.writeUInt32LE(claims)
  const body = blocks.map((block, at) => {
    const isLast = at === blocks.length - 1 ? 1 : 0
    const [type, size, bytes] =
      block.kind === 'raw'
        ? [0, block.bytes.length, block.bytes]
        : [1, block.count, Buffer.of(block.byte)]
    const header = Buffer.alloc(3)
    header.writeUIntLE((size << 3) | (type << 1) | isLast, 0, 3)
    return Buffer.concat([header, bytes])
  })
  return Buffer.concat([head, claim, ...body])
}

/** Of one block of the greatest size for every 4 bytes. */
export const bomb = (bytes: number, claims?: number): Buffer => {
  const count = Math.ceil(bytes / 131_072)
  const block: Block = { kind: 'repeated', byte: 7, count: 131_072 }
  return zstdFrame({
    ...(claims === undefined ? {} : { claims }),
    blocks: Array<Block>(count).fill(block),
  })
}
