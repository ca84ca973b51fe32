/** Decides what each refusal and each fault is told with over WebDAV. rclone shows the reason phrase and the body. */
import { plainSentences } from '../../fencing/rules/refusal.js'
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'
import type { RefusedReason } from '../gate/outcome.js'
import { lastingFaultOf } from '../http/lasting-fault.js'
import type { Told } from '../http/answer.js'

/** rclone turns whatever an upload is refused with into 500 for restic (RESTIC.md section 7); others heed the status. */
export const refusals = {
  stale: { status: 403, level: 'warn' },
  conflict: { status: 403, level: 'warn' },
  unseen: { status: 403, level: 'warn' },
  ambiguous: { status: 403, level: 'warn' },
  knocked: { status: 503, level: 'info' },
  'wrong-hash': { status: 400, level: 'info' },
  exists: { status: 403, level: 'info' },
  'append-only': { status: 403, level: 'info' },
  'not-allowed': { status: 403, level: 'info' },
  linked: { status: 403, level: 'warn' },
  'too-large': { status: 413, level: 'warn' },
  'too-many': { status: 403, level: 'warn' },
  // The folder that the object would lie in is missing (RFC 4918, section 9.7.1).
  'no-repository': { status: 409, level: 'info' },
  'no-space': { status: 507, level: 'warn' },
  undecided: { status: 503, level: 'warn' },
} as const satisfies Record<RefusedReason, { status: number; level: 'info' | 'warn' }>

const notRead = 'This cannot be read now. See the log of the gateway.'

const readingFaults = {
  'not-found': { status: 404, sentence: 'Not Found' },
  'not-allowed': { status: 403, sentence: plainSentences['not-allowed'] },
  linked: { status: 403, sentence: plainSentences.linked },
  'too-large': { status: 413, sentence: plainSentences['too-large'] },
  'too-many': { status: 403, sentence: plainSentences['too-many'] },
  'no-space': { status: 503, sentence: notRead },
  corrupt: { status: 500, sentence: notRead },
  conflict: { status: 503, sentence: notRead },
  locked: { status: 503, sentence: notRead },
  'newer-state': { status: 500, sentence: notRead },
  unavailable: { status: 503, sentence: notRead },
} as const satisfies Record<BackendErrorCode, Told>

export function toldOfReading(error: unknown): Told {
  return error instanceof BackendError ? readingFaults[error.code] : readingFaults.corrupt
}

/** Faults that say by themselves what is to be done, and that last until somebody does it. */
const lastingCodes: ReadonlySet<string> = new Set([
  'no-space',
  'linked',
  'too-large',
  'too-many',
])

/**
 * Whatever else failed while writing may have been recorded, so it is "undecided": try again. A fault of the folder that
 * lasts is told as what it is.
 */
export function toldOfWriting(error: unknown): Told {
  const isLasting = error instanceof BackendError && lastingCodes.has(error.code)
  if (isLasting) return toldOfRefusal(error.code as keyof typeof plainSentences)
  const lasting = lastingFaultOf(error)
  return lasting === undefined ? toldOfRefusal('undecided') : { status: 403, sentence: lasting }
}

const plainFaults = {
  'not-found': { status: 404, sentence: 'Not Found' },
  'not-allowed': {
    status: 403,
    sentence: 'Not a place for plain files: a repository, a link, or a name that is kept.',
  },
  linked: { status: 403, sentence: plainSentences.linked },
  'too-large': { status: 413, sentence: plainSentences['too-large'] },
  'too-many': { status: 403, sentence: plainSentences['too-many'] },
  'no-space': { status: 507, sentence: plainSentences['no-space'] },
  conflict: { status: 409, sentence: 'Something else stands in its place.' },
  corrupt: { status: 500, sentence: notRead },
  locked: { status: 503, sentence: notRead },
  'newer-state': { status: 500, sentence: notRead },
  unavailable: { status: 503, sentence: notRead },
} as const satisfies Record<BackendErrorCode, Told>

/** Whoever asks for what lies over a link, or among our own files, is refused and no more. */
export function isRefusedPlace(error: unknown): error is BackendError {
  return (
    error instanceof BackendError && (error.code === 'not-allowed' || error.code === 'linked')
  )
}

export function toldOfPlain(error: unknown): Told {
  return error instanceof BackendError ? plainFaults[error.code] : plainFaults.corrupt
}

export function toldOfRefusal(reason: keyof typeof plainSentences): Told {
  return { status: refusals[reason].status, sentence: plainSentences[reason] }
}

/** What the shape of a repository forbids, whoever asks. */
export const forbidden = {
  junk: { status: 403, sentence: 'Only the objects of restic can be in a repository.' },
  moving: { status: 403, sentence: 'Nothing is moved or copied into or out of a repository.' },
  folder: {
    status: 403,
    sentence: 'Folders of a repository are not removed through this door.',
  },
  locking: {
    status: 403,
    sentence: 'Objects of a repository are never changed, so there is nothing to lock.',
  },
  mounted: {
    status: 403,
    sentence:
      'This program shows old lists, so it may only read a repository. Use restic with rclone or rest:.',
  },
  plain: {
    status: 403,
    sentence: 'Only repositories are kept here (--plain-files would allow other files).',
  },
} as const satisfies Record<string, Told>
