/** Translates SQLite's errors into those of a journal. */
import { accessSync, constants } from 'node:fs'
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'
import type { Fault } from './messages.js'

const codes: Readonly<Record<string, BackendErrorCode>> = {
  SQLITE_CORRUPT: 'corrupt',
  SQLITE_NOTADB: 'corrupt',
  SQLITE_FULL: 'no-space',
  SQLITE_BUSY: 'locked',
  SQLITE_LOCKED: 'locked',
  SQLITE_PROTOCOL: 'locked',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
}

/** Extended codes (`SQLITE_CORRUPT_INDEX`) begin with the plain one. Whatever else went wrong may be well again later. */
function codeOf(native: string): BackendErrorCode {
  const plain = native.split('_').slice(0, 2).join('_')
  return codes[plain] ?? 'unavailable'
}

/** A quota that is used up is an error of writing like any other to SQLite. */
const lacksOfRoom: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE'])

export function isLackOfRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && lacksOfRoom.has(String(error.code))
}

/** SQLite says of neither what the operating system said. */
const mayBeReadOnly = /^SQLITE_(READONLY|IOERR_WRITE|IOERR_TRUNCATE|IOERR_FSYNC|CANTOPEN)/

function isReadOnly(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS'
  }
}

export function faultOf(error: unknown, file: string): BackendError {
  if (error instanceof BackendError) return error
  const native = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words = error instanceof Error ? error.message : String(error)
  if (mayBeReadOnly.test(native) && isReadOnly(file)) return onReadOnlyVolume(file)
  const code = codeOf(native)
  if (code === 'corrupt') return damaged(file, words)
  const what = code === 'locked' ? 'is in use by another process' : 'cannot be used'
  return new BackendError(code, `the journal "${file}" ${what}: ${words}`, { cause: error })
}

/** No try succeeds before somebody has mounted it writable. */
function onReadOnlyVolume(file: string): BackendError {
  const cause = Object.assign(new Error('read-only file system'), { code: 'EROFS' })
  const message = `the journal "${file}" is on a read-only volume (EROFS)`
  return new BackendError('not-allowed', message, { cause })
}

export function damaged(file: string, what: string): BackendError {
  return new BackendError(
    'corrupt',
    `the journal "${file}" is damaged: ${what}. ${howToRecover(file)}`,
  )
}

/**
 * A journal that is begun anew knows nobody: no view that was taken before it, so it cannot say whom a prune overtook.
 * Runs that it has not seen begin are fenced where nothing else speaks for them; to be sure, none may be left.
 */
export function howToRecover(file: string): string {
  const all = file.replace(/sqlite$/, '*')
  return (
    `Writes are refused until it is whole again: stop the gateway and put ${all} back from a backup; or begin anew: ` +
    `end every client that still runs or sleeps, move all of ${all} out of the way, start again, and run "restic check". ` +
    `What is in quarantine stays on the disk without its story`
  )
}

/** An error that passes between threads keeps its code, its words, and the code of the operating system. */
export function toldFault({ code, message, cause }: BackendError): Fault {
  const native = cause instanceof Error && 'code' in cause ? { native: String(cause.code) } : {}
  return { code, message, ...native }
}

export function heardFault({ code, message, native }: Fault): BackendError {
  if (native === undefined) return new BackendError(code, message)
  const cause = Object.assign(new Error(message), { code: native })
  return new BackendError(code, message, { cause })
}
