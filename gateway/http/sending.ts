/**
 * Knows how the bytes of a file go out, piece by piece. Two buffers take turns, one being read into while the other is
 * written: a new one for each piece costs more than reading it, and is garbage that piles up outside of the heap.
 */
import type { ServerResponse } from 'node:http'
import { BackendError, type ByteRange, type OpenObject } from '../../fencing/ports.js'

const largePieceBytes = 1024 * 1024
const smallPieceBytes = 128 * 1024
/** So many take large pieces at a time; the others' are small, so that a thousand slow readers fit into memory. */
const largeMax = 8

let largeOnes = 0

/**
 * Sends what comes after the headers, ends the answer, and closes what was opened. Resolves when all is out, or the
 * client has gone; rejects where the bytes cannot be read, and the answer is then still to be broken off.
 */
export async function sendBytes(
  answer: ServerResponse,
  opened: OpenObject,
  range: ByteRange,
): Promise<void> {
  const isLarge = largeOnes < largeMax && range.end - range.start >= smallPieceBytes
  if (isLarge) largeOnes += 1
  try {
    await sendPieces(answer, opened, range, isLarge ? largePieceBytes : smallPieceBytes)
  } finally {
    if (isLarge) largeOnes -= 1
    await opened.close()
  }
}

async function sendPieces(
  answer: ServerResponse,
  opened: OpenObject,
  { start, end }: ByteRange,
  pieceBytes: number,
): Promise<void> {
  const line = new Line(answer)
  const written: Promise<void>[] = [Promise.resolve(), Promise.resolve()]
  const buffers: Buffer[] = []
  for (let position = start, turn = 0; position <= end; turn = 1 - turn) {
    // Only once the last bytes of a buffer are out may others be read into it.
    await written[turn]
    if (line.isClosed) return
    const left = end - position + 1
    const buffer = (buffers[turn] ??= Buffer.allocUnsafeSlow(Math.min(pieceBytes, left)))
    let bytes = 0
    try {
      bytes = await opened.readInto(buffer.subarray(0, left), position)
      if (bytes === 0) throw new BackendError('corrupt', 'a file has become shorter')
    } catch (error) {
      // What was read before goes out: the client sees an answer that is broken off, not a line without one.
      await Promise.all(written)
      throw error
    }
    written[turn] = line.write(buffer.subarray(0, bytes))
    position += bytes
  }
  await line.end()
}

/** An answer as a line: whatever waits for it is let go when it closes. */
class Line {
  readonly #answer: ServerResponse
  readonly #waiting = new Set<() => void>()
  #isClosed = false

  constructor(answer: ServerResponse) {
    this.#answer = answer
    if (answer.destroyed) this.#isClosed = true
    else answer.once('close', () => this.#close())
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#answer.destroyed
  }

  /** Resolves when the bytes are out, so that their buffer is free again, or when nothing will be written any more. */
  async write(bytes: Buffer): Promise<void> {
    if (this.isClosed) return
    await this.#wait((done) => this.#answer.write(bytes, done))
  }

  /** Resolves when the answer is over. */
  async end(): Promise<void> {
    if (this.isClosed) return
    await this.#wait(() => this.#answer.end())
  }

  #wait(act: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        resolve()
      }
      this.#waiting.add(done)
      act(done)
    })
  }

  #close(): void {
    this.#isClosed = true
    for (const done of this.#waiting) done()
  }
}
