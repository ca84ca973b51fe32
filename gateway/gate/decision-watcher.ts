/** Knows what those hear who watch the gate: what was decided on one upload or deletion, and how long that took. */
import type { Verb } from '../../fencing/journal/event.js'
import type { RepositoryId } from '../../fencing/object.js'
import type { RefusedReason } from './outcome.js'

export interface WatchedDecision {
  readonly repository: RepositoryId
  readonly verb: Verb
  /** `knocked` where it was deferred. */
  readonly result: 'done' | RefusedReason
  /** From the last byte of the request, with what was held meanwhile, to a durable record that is carried out. */
  readonly seconds: number
}

/** Must not throw, and must not wait. */
export type DecisionWatcher = (decision: WatchedDecision) => void
