/**
 * Knows where HTTP/1.1 requests begin in a stream of bytes. Bodies with a length only: restic sends no others, but for
 * the empty one with which 0.18 creates a repository.
 */

/** Bytes of a connection in order; `request` is set on the piece that is a request's complete head. */
export interface Piece {
  readonly bytes: Buffer
  readonly request?: { readonly method: string; readonly path: string; readonly head: string }
}

const HEAD_END = '\r\n\r\n'
const EMPTY_CHUNKED_BYTES = '0\r\n\r\n'.length
const HEAD_BYTES_MAX = 64 * 1024

/** Cuts the client's half of one connection into heads and bodies. What is not HTTP/1.1 passes as it is. */
export class RequestFraming {
  #head = Buffer.alloc(0)
  #bodyBytesLeft = 0
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
    this.#bodyBytesLeft = isChunked ? EMPTY_CHUNKED_BYTES : length
    return { bytes, request: { method, path, head: text } }
  }
}
