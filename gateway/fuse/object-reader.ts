/** Knows how an open object is read: in pieces that grow while it is read on, the next of them asked for ahead. */
import type { ObjectName } from '../../fencing/object.js'
import type { Opening } from './opening.js'

interface Piece {
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Buffer>
}

const pieceBytesMin = 128 * 1024
const pieceBytesMax = 2 * 1024 * 1024
const growth = 4
/** The piece that is being read, and the one ahead of it, and one behind: the kernel asks a little out of order. */
const piecesMax = 3

export class ObjectReader {
  readonly #object: ObjectName
  readonly #opening: Opening
  #pieces: Piece[] = []
  #nextBytes = pieceBytesMin

  constructor(object: ObjectName, opening: Opening) {
    this.#object = object
    this.#opening = opening
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const piece = this.#pieceAt(offset, length)
    const bytes = await piece.bytes
    const found = bytes.subarray(offset - piece.start, offset - piece.start + length)
    const isWhole = found.length === length || bytes.length < piece.end - piece.start
    if (isWhole) return found
    const rest = await this.read(piece.end, length - found.length)
    return Buffer.concat([found, rest])
  }

  close(): void {
    this.#pieces = []
  }

  #pieceAt(offset: number, length: number): Piece {
    const known = this.#pieces.find(({ start, end }) => offset >= start && offset < end)
    if (known === undefined) {
      const isReadOn = this.#pieces.some(({ end }) => end === offset)
      if (!isReadOn) this.#nextBytes = pieceBytesMin
      return this.#ask(offset, isReadOn ? this.#grown(length) : length)
    }
    const isLast = this.#pieces.every(({ end }) => end <= known.end)
    const isBeyondHalf = offset - known.start >= (known.end - known.start) / 2
    if (isLast && isBeyondHalf) this.#askAhead(known)
    return known
  }

  /** Only of what is read on: whoever reads a part of a pack has no use for the next one. */
  #askAhead(last: Piece): void {
    const ahead = this.#ask(last.end, this.#grown(0))
    ahead.bytes.catch(() => undefined)
  }

  #grown(least: number): number {
    this.#nextBytes = Math.min(pieceBytesMax, this.#nextBytes * growth)
    return Math.max(least, this.#nextBytes)
  }

  #ask(start: number, length: number): Piece {
    const bytes = this.#opening.read(this.#object, start, length)
    const piece = { start, end: start + length, bytes }
    this.#pieces = [...this.#pieces.slice(1 - piecesMax), piece]
    bytes.catch(() => {
      this.#pieces = this.#pieces.filter((other) => other !== piece)
    })
    return piece
  }
}
