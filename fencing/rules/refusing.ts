/** Decides how a write is refused or deferred: what stands in the journal, what is kept, and what the writer is told. */
import { authorOf, idsOf, type Attribution } from '../evidence/attribution.js'
import type { Decision } from './decision.js'
import type { Generation, ItemId, JournalEvent, Kept, Verb } from '../journal/event.js'
import type { Item } from '../state/item.js'
import type { ObjectName } from '../object.js'
import type { RefusalReason, RefusalStory } from './refusal.js'
import { lockDeletions, newItemId, type Caller, type Context } from './context.js'
import { fenceOf, type Fence, type Writer } from '../state/writer.js'

/** An upload that has been received, or a deletion. */
export interface Attempt {
  readonly verb: Verb
  readonly object: ObjectName
  /** Bytes; 0 for a deletion. */
  readonly size: number
  /** The staging id of an upload's bytes. */
  readonly staged?: string
}

export function refuse(
  context: Context,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
  fence: Fence | { readonly reason: RefusalReason },
): Decision {
  const { state } = context
  const kept = keep(context, caller, attempt)
  const writer = attribution.writer ?? attribution.candidates[0]
  const generation = writer?.generation ?? state.generation
  const run = 'run' in fence ? fence.run : undefined
  const story: RefusalStory = {
    verb: attempt.verb,
    reason: fence.reason,
    generation,
    currentGeneration: state.generation,
    ...(run === undefined ? {} : { run }),
    ...(kept.item === undefined ? {} : { item: kept.item }),
    isKept: kept.isKept,
  }
  const verdict = { kind: 'refuse', story } as const
  const again = kept.known === undefined ? {} : { triedAgain: kept.known.id }
  if (kept.known?.state === 'quarantined') return { verdict, events: [], ...again }
  const refused: JournalEvent = {
    kind: 'refused',
    verb: attempt.verb,
    object: attempt.object,
    reason: fence.reason,
    author: authorOf(attribution),
    client: caller.client,
    generation,
    ...(run === undefined ? {} : { run }),
    ...(attempt.verb === 'upload' ? { size: attempt.size } : {}),
    ...(kept.kept === undefined ? {} : { kept: kept.kept }),
  }
  const locks =
    attribution.writer === undefined
      ? []
      : lockDeletions(context, attribution.writer.id, 'fenced')
  return { verdict, events: [refused, ...locks], ...again }
}

interface Keeping {
  readonly item?: ItemId
  /** The bytes are in quarantine, or will be. */
  readonly isKept: boolean
  /** An earlier try of the same object made the item. */
  readonly known?: Item
  readonly kept?: Kept
}

/** Bytes are kept once, however often the client retries; when the quarantine, or the client's share of it, is full, only the story is. */
function keep(context: Context, caller: Caller, attempt: Attempt): Keeping {
  if (attempt.verb === 'deletion') return { isKept: false }
  const { state } = context
  const known = state.items.get(state.openItems.get(attempt.object) ?? ('' as ItemId))
  if (known !== undefined) {
    const { id, isKept } = known
    return { item: id, isKept, known, kept: { item: id } }
  }
  const item = newItemId(context)
  const { staged } = attempt
  if (staged === undefined || !state.allowance.admits(caller.client, attempt.size)) {
    return { item, isKept: false, kept: { item } }
  }
  return { item, isKept: true, kept: { item, staged } }
}

/** "503, try again", so that the retry comes on a channel that says whose it is. */
export function knock(
  context: Context,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
  isFirst: boolean,
): Decision {
  const kept = keep(context, caller, attempt)
  const { candidates, sender } = attribution
  const verdict = {
    kind: 'knock',
    isFirst,
    candidates: idsOf(candidates),
    ...(kept.item === undefined ? {} : { item: kept.item }),
  } as const
  if (kept.known !== undefined) return { verdict, events: [], triedAgain: kept.known.id }
  if (!isFirst) return { verdict, events: [] }
  const knocked: JournalEvent = {
    kind: 'knocked',
    verb: attempt.verb,
    object: attempt.object,
    candidates: idsOf(candidates),
    ...(sender === undefined ? {} : { sender }),
    client: caller.client,
    generation: candidates[0]?.generation ?? context.state.generation,
    ...(attempt.verb === 'upload' ? { size: attempt.size } : {}),
    ...(kept.kept === undefined ? {} : { kept: kept.kept }),
  }
  return { verdict, events: [knocked] }
}

export function areAllCurrent(context: Context, candidates: readonly Writer[]): boolean {
  return candidates.every((writer) => fenceOf(writer, context.state.runs) === undefined)
}

export function generationOf(context: Context, writer: Writer | undefined): Generation {
  return writer?.generation ?? context.state.generation
}
