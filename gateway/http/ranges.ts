/** Knows which bytes a Range header asks for (RFC 9110, section 14), for every HTTP door. */
import parseRanges from 'range-parser'
import type { ByteRange } from '../../fencing/ports.js'

export type Asked = ByteRange | 'whole' | 'unsatisfiable'

/** What is malformed, in another unit, or asks for several ranges is answered with the whole. */
export function askedRange(header: string | undefined, size: number): Asked {
  // Some clients send a range with everything; of nothing the whole is all there is.
  if (header === undefined || size === 0) return 'whole'
  const suffix = /^bytes=-(\d+)$/.exec(header)?.[1]
  // The library refuses a suffix longer than the file, which means all of it.
  if (suffix !== undefined && Number(suffix) > size) return { start: 0, end: size - 1 }
  const ranges = parseRanges(size, header)
  if (ranges === -1) return 'unsatisfiable'
  if (ranges === -2 || ranges.type !== 'bytes') return 'whole'
  const [only, ...others] = ranges
  return only === undefined || others.length > 0 ? 'whole' : only
}
