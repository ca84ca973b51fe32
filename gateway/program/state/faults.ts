/** Knows what the operating system's errors mean for the state folder. */
import { BackendError, type BackendErrorCode } from '../../../fencing/ports.js'

const codes: Readonly<Record<string, BackendErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-allowed',
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  EROFS: 'not-allowed',
  SQLITE_CANTOPEN: 'not-allowed',
  SQLITE_READONLY: 'not-allowed',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  SQLITE_FULL: 'no-space',
}

export async function guarded<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof BackendError) throw error
    const words = error instanceof Error ? error.message : String(error)
    const code = codes[errnoOf(error) ?? ''] ?? 'unavailable'
    throw new BackendError(code, `the state folder "${folder}" cannot be used: ${words}`, {
      cause: error,
    })
  }
}

export function errnoOf(error: unknown): string | undefined {
  const isNative = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return isNative ? (error.code as string) : undefined
}
