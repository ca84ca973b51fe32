/**
 * Knows an upload whose sender writes the bytes itself, on the disk of this machine. It asks where with its request, and is
 * told by a hint before the answer. Its body has a line for each part that it is about to write, the number of its bytes,
 * and ends with the hash of all of them. However that ends, it is an upload like any other.
 */
import { BackendError, type FilePlace, type Staged } from '../../fencing/ports.js'
import { formatPlace, placeHeader, placeNone, placeWanted } from '../program/file-place.js'
import type { UploadBody } from '../gate/gate.js'
import type { ObjectCall } from './call.js'

const lineLengthMax = 100
const hashPattern = /^[0-9a-f]{64}$/

export class OutsideBody implements UploadBody {
  readonly #call: ObjectCall
  #isRead = false

  private constructor(call: ObjectCall) {
    this.#call = call
  }

  /** Undefined where the bytes themselves come, and from all who are not to be told where others lie. */
  static of(call: ObjectCall): OutsideBody | undefined {
    const isWanted = call.request.headers[placeHeader] === placeWanted
    return isWanted && call.ownDisk !== undefined ? new OutsideBody(call) : undefined
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#call.exchange.body.chunks
  }

  readonly outside = async (
    place: FilePlace,
    more: (bytes: number) => void,
  ): Promise<Staged['sha256']> => {
    this.#hint(formatPlace(place))
    let line = ''
    for await (const chunk of this.chunks) {
      const lines = (line + Buffer.from(chunk).toString('latin1')).split('\n')
      line = lines.pop() ?? ''
      for (const bytes of lines) more(countIn(bytes))
      if (line.length > lineLengthMax) throw misread(line)
    }
    this.#isRead = true
    if (!hashPattern.test(line)) throw misread(line)
    return line
  }

  async drain(): Promise<void> {
    this.release()
    await this.#call.exchange.body.drain()
  }

  /** Whoever still writes, or waits to be told where, may stop: it is to end its request, and to hear why. */
  release(): void {
    if (!this.#isRead) this.#hint(placeNone)
    this.#isRead = true
  }

  #hint(place: string): void {
    // Node sends no hints without a link.
    this.#call.answer.writeEarlyHints({ link: '<.>; rel=item', [placeHeader]: place })
  }
}

function countIn(line: string): number {
  if (!/^\d{1,15}$/.test(line)) throw misread(line)
  return Number(line)
}

function misread(line: string): BackendError {
  return new BackendError(
    'unavailable',
    `"${line.slice(0, lineLengthMax)}" is no word of bytes`,
  )
}
