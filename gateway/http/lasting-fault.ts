/** Knows the faults of a disk that no further try mends, and what a client is told of each: somebody has to do something. */
import { BackendError } from '../../fencing/ports.js'

/** By the error of the operating system; the log of the gateway has the path. */
const reasons: Readonly<Record<string, string>> = {
  EROFS: 'it is on a read-only volume',
  EACCES: 'the user of the gateway has no right to',
  EPERM: 'the user of the gateway has no right to',
  ELOOP: 'a link is in its path, and links are not followed',
  ENOTDIR: 'a file is in the place of a folder',
  EISDIR: 'a folder is in the place of a file',
}

/** The sentence for a write that failed so, or undefined where another try may succeed. */
export function lastingFaultOf(error: unknown): string | undefined {
  if (!(error instanceof BackendError) || error.code !== 'not-allowed') return undefined
  const { cause } = error
  const native = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = reasons[native]
  if (reason === undefined) return undefined
  return `The folder of this repository cannot be written: ${reason} (${native}). Trying again does not help.`
}
