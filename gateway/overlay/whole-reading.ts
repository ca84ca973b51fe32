/** Knows when an object was read to its end: all its bytes in order, over one opening of it. */
import type { OpenObject } from '../../fencing/ports.js'

/** Calls back once each byte from the first to the last has been read. */
export function watchReading(opened: OpenObject, onWhole: () => void): OpenObject {
  let read = 0
  const pass = (from: number, bytes: number): void => {
    const before = read
    if (from <= read) read = Math.max(read, from + bytes)
    if (before < opened.size && read >= opened.size) onWhole()
  }
  if (opened.size === 0) onWhole()
  return {
    ...opened,
    size: opened.size,
    close: () => opened.close(),
    readInto: async (buffer, position) => {
      const bytes = await opened.readInto(buffer, position)
      pass(position, bytes)
      return bytes
    },
    read: (range) => {
      const stream = opened.read(range)
      stream.once('end', () => pass(range?.start ?? 0, (range?.end ?? opened.size - 1) + 1))
      return stream
    },
  }
}
