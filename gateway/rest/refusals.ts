/** Decides what each refusal and each fault is told with over REST. restic prints the reason phrase, not the body. */
import { plainSentences } from '../../fencing/rules/refusal.js'
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'
import type { Told } from '../http/answer.js'
import type { RefusedReason } from '../gate/outcome.js'
import { lastingFaultOf } from '../http/lasting-fault.js'

/**
 * 403 stops restic 0.17 and later at once, and 0.14 after its ten tries; 5xx are tried again for 15 minutes
 * (RESTIC.md sections 0 and 4). So 403 wherever another try changes nothing. It is never 404, which restic takes for
 * "the file does not exist" and prints instead of the sentence.
 */
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
  'no-repository': { status: 403, level: 'info' },
  'no-space': { status: 507, level: 'warn' },
  undecided: { status: 503, level: 'warn' },
} as const satisfies Record<RefusedReason, { status: number; level: 'info' | 'warn' }>

const notRead = 'This cannot be read now. See the log of the gateway.'

/** A read promises nothing, so it may say more than a write. */
const readingFaults = {
  'not-found': { status: 404, sentence: 'There is no such object.' },
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

/** A list is never answered 404: restic takes that for an empty one. */
export function toldOfListing(error: unknown): Told {
  const told = toldOfReading(error)
  return told.status === 404 ? toldOfRefusal('no-repository') : told
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

export function toldOfRefusal(reason: keyof typeof plainSentences): Told {
  return { status: refusals[reason].status, sentence: plainSentences[reason] }
}
