/** A store in memory whose every object is read as half a gigabyte that no memory holds. */
import { Readable } from 'node:stream'
import { memoryStore } from '../../backends/memory/memory-store.js'
import type { ObjectStore } from '../../fencing/ports.js'

export const endlessBytes = 512 * 1024 * 1024
const pieceBytes = 65_536

export interface EndlessStore {
  readonly store: ObjectStore
  /** Bytes that were asked for so far. */
  readonly produced: () => number
}

export function endlessStore(): EndlessStore {
  let produced = 0
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let left = endlessBytes; left > 0; left -= pieceBytes) {
      produced += pieceBytes
      yield Buffer.alloc(pieceBytes)
    }
  }
  const open: ObjectStore['open'] = async () => ({
    size: endlessBytes,
    read: () => Readable.from(pieces(), { objectMode: false }),
    readInto: async (buffer, position) => {
      const bytes = Math.min(buffer.length, endlessBytes - position)
      produced += bytes
      buffer.fill(0, 0, bytes)
      return bytes
    },
    close: async () => undefined,
  })
  return { store: { ...memoryStore(), open }, produced: () => produced }
}
