/** What the core can answer to something that would change a repository. */
import type { ItemId, JournalEvent, WriterId } from '../journal/event.js'
import type { PlainReason, RefusalStory } from './refusal.js'

/**
 * commit: carry the events' effects out, then answer success. done: success, and nothing is to be done. refuse: answer
 * with the sentence of the story. knock: answer "try again"; `tries` says whether this is the first. plain: refused
 * whoever asks.
 */
export type Verdict =
  | { readonly kind: 'commit' }
  | { readonly kind: 'done' }
  | { readonly kind: 'refuse'; readonly story: RefusalStory }
  | {
      readonly kind: 'knock'
      readonly isFirst: boolean
      /** Whoever may have sent it. */
      readonly candidates: readonly WriterId[]
      readonly item?: ItemId
    }
  | { readonly kind: 'plain'; readonly reason: PlainReason }

export interface Decision {
  readonly verdict: Verdict
  /** What goes into the journal, in order, before anything else happens. */
  readonly events: readonly JournalEvent[]
  /** An item that is kept already was tried again. */
  readonly triedAgain?: ItemId
}

export const done: Decision = { verdict: { kind: 'done' }, events: [] }

export function plain(reason: PlainReason): Decision {
  return { verdict: { kind: 'plain', reason }, events: [] }
}
