/** Knows what the operating system's errors mean to whoever uses a store. */
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'

const codes: Readonly<Record<string, BackendErrorCode>> = {
  ENOENT: 'not-found',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  EEXIST: 'conflict',
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  EROFS: 'not-allowed',
  ELOOP: 'linked',
  // Something else stands where a file or a folder of ours belongs.
  ENOTDIR: 'not-allowed',
  EISDIR: 'not-allowed',
  ENAMETOOLONG: 'not-allowed',
}

/** Whatever else goes wrong (EIO, ESTALE, EMFILE, ENOMEM …) may be well again later. */
export function faultOf(error: unknown, what: string): BackendError {
  if (error instanceof BackendError) return error
  const native = errnoOf(error)
  const code = (native === undefined ? undefined : codes[native]) ?? 'unavailable'
  const why = native === 'ETIMEDOUT' ? (error as Error).message : (native ?? String(error))
  return new BackendError(code, `${what}: ${why}`, { cause: error })
}

export async function guarded<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw faultOf(error, what)
  }
}

export function errnoOf(error: unknown): string | undefined {
  const isNative = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return isNative ? (error.code as string) : undefined
}

export function hasErrno(error: unknown, ...names: readonly string[]): boolean {
  return names.includes(errnoOf(error) ?? '')
}

/** What an act answers, or `otherwise` where it fails with one of these errors. */
export async function unless<T, U>(
  names: readonly string[],
  otherwise: U,
  act: Promise<T>,
): Promise<T | U> {
  try {
    return await act
  } catch (error) {
    if (hasErrno(error, ...names)) return otherwise
    throw error
  }
}
