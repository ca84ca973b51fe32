/** Knows the errors that the kernel is answered with, and which of them stands for which answer of a gateway. */
import { constants } from 'node:os'

export const errnos = constants.errno

export type ErrnoName = keyof typeof errnos

/** Thrown where a call is answered with an error; anything else that is thrown is a fault, and answered with EIO. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: ErrnoName

  constructor(code: ErrnoName, message: string = code) {
    super(message)
    this.code = code
  }
}

/** What a gateway names in the header `lockkeeper-reason` of a 503 that asks to try again. */
const knocked = 'knocked'

/** By DESIGN.md's table: what was refused is EACCES, which stops restic 0.17 and later at once (RESTIC.md section 6). */
export function errnoOfAnswer(status: number, reason: string | undefined): ErrnoName {
  switch (status) {
    case 401:
    case 403:
    case 405:
      return 'EACCES'
    case 404:
      return 'ENOENT'
    case 413:
      return 'EFBIG'
    case 507:
      return 'ENOSPC'
    case 503:
      return reason === knocked ? 'EAGAIN' : 'EIO'
    default:
      return 'EIO'
  }
}

/** A fault of this machine's own files keeps its code where it has one. */
export function errnoOfFault(error: unknown): ErrnoName {
  if (error instanceof CallError) return error.code
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code in errnos ? (code as ErrnoName) : 'EIO'
}
