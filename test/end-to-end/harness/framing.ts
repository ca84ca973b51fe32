/** Knows where HTTP/1.1 requests begin in a stream of bytes: behind a body with a length, or one in chunks (RFC 9112, 7.1). */

/** Bytes of a connection in order; `request` is set on the piece that is a request's complete head. */
export interface Piece {
  readonly bytes: Buffer
  readonly request?: { readonly method: string; readonly path: string; readonly head: string }
}

const HEAD_END = '\r\n\r\n'
const LINE_END = '\r\n'
const HEAD_BYTES_MAX = 64 * 1024

/** Cuts the client's half of one connection into heads and bodies. What is not HTTP/1.1 passes as it is. */
export class RequestFraming {
  #head = Buffer.alloc(0)
  #bodyBytesLeft = 0
  /** Inside a body of chunks: what has come of the next chunk's size, or of the lines behind the last chunk. */
  #chunkLine: Buffer | undefined
  #isLastChunk = false
  #isOpaque = false

  push(chunk: Buffer): readonly Piece[] {
    const pieces: Piece[] = []
    let rest = chunk
    while (rest.length > 0) {
      if (this.#isOpaque) return [...pieces, { bytes: rest }]
      if (this.#bodyBytesLeft > 0) {
        const body = rest.subarray(0, this.#bodyBytesLeft)
        this.#bodyBytesLeft -= body.length
        rest = rest.subarray(body.length)
        pieces.push({ bytes: body })
        continue
      }
      if (this.#chunkLine !== undefined) {
        const bytes = this.#takeChunkLine(rest)
        rest = rest.subarray(bytes.length)
        pieces.push({ bytes })
        continue
      }
      this.#head = Buffer.concat([this.#head, rest])
      const end = this.#head.indexOf(HEAD_END)
      if (
        end === -1 &&
        this.#head.length < HEAD_BYTES_MAX &&
        /^[A-Z]/.test(this.#head.toString('latin1', 0, 1))
      )
        return pieces
      rest = end === -1 ? Buffer.alloc(0) : this.#head.subarray(end + HEAD_END.length)
      pieces.push(
        this.#takeHead(end === -1 ? this.#head : this.#head.subarray(0, end + HEAD_END.length)),
      )
    }
    return pieces
  }

  /** The bytes up to the end of the line, or all where it has not come yet. */
  #takeChunkLine(rest: Buffer): Buffer {
    const before = this.#chunkLine ?? Buffer.alloc(0)
    const line = Buffer.concat([before, rest])
    const end = line.indexOf(LINE_END)
    if (end === -1) {
      this.#chunkLine = line
      return rest
    }
    const text = line.toString('latin1', 0, end)
    this.#chunkLine = Buffer.alloc(0)
    if (this.#isLastChunk) {
      // Trailers, if any, then an empty line.
      if (text === '') this.#chunkLine = undefined
    } else {
      const size = parseInt(text, 16)
      if (size === 0) this.#isLastChunk = true
      else this.#bodyBytesLeft = size + LINE_END.length
    }
    return rest.subarray(0, end + LINE_END.length - before.length)
  }

  #takeHead(bytes: Buffer): Piece {
    this.#head = Buffer.alloc(0)
    const text = bytes.toString('latin1')
    const line = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/.exec(text)
    const [, method, path] = line ?? []
    if (method === undefined || path === undefined) {
      this.#isOpaque = true
      return { bytes }
    }
    const isChunked = /\r\ntransfer-encoding: *chunked/i.test(text)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    this.#bodyBytesLeft = isChunked ? 0 : length
    this.#chunkLine = isChunked ? Buffer.alloc(0) : undefined
    this.#isLastChunk = false
    return { bytes, request: { method, path, head: text } }
  }
}
