/** The answers of the gate that every door puts into its own language. */
import type { Verdict } from '../../fencing/rules/decision.js'
import {
  deferralSentence,
  plainSentences,
  refusalSentence,
  type PlainReason,
  type RefusalReason,
} from '../../fencing/rules/refusal.js'

export type RefusedReason = RefusalReason | PlainReason | 'knocked'

export type Outcome =
  /** `delivered` is to be called once the answer has gone out whole; `bytes` are those of the object that is there or is gone. */
  | { readonly kind: 'done'; readonly delivered: () => void; readonly bytes?: number }
  /** The sentence is ASCII, at most 200 characters. */
  | { readonly kind: 'refused'; readonly reason: RefusedReason; readonly sentence: string }

export const nothingDelivered = (): void => undefined

export function refusedPlainly(reason: PlainReason): Outcome {
  return { kind: 'refused', reason, sentence: plainSentences[reason] }
}

export function outcomeOf(verdict: Verdict, delivered: () => void, bytes = 0): Outcome {
  switch (verdict.kind) {
    case 'commit':
    case 'done':
      return { kind: 'done', delivered, bytes }
    case 'refuse': {
      const sentence = refusalSentence(verdict.story)
      return { kind: 'refused', reason: verdict.story.reason, sentence }
    }
    case 'knock':
      return { kind: 'refused', reason: 'knocked', sentence: deferralSentence }
    case 'plain':
      return refusedPlainly(verdict.reason)
  }
}
