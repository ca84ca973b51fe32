/** Decides what becomes of an upload once its bytes have been received: the only binding decision. */
import { areAllFenced, attribute, authorOf, type Attribution } from '../evidence/attribution.js'
import type { JournalEvent } from '../journal/event.js'
import { mayHaveLocked } from '../evidence/constants.js'
import { typeOf, type ObjectName } from '../object.js'
import type { RepositoryState } from '../state/repository-state.js'
import { fenceOf, type Fence, type Writer } from '../state/writer.js'
import type { Caller, Context } from './context.js'
import { done, plain, type Decision } from './decision.js'
import { areAllCurrent, knock, refuse, type Attempt } from './refusing.js'

export interface Upload {
  readonly object: ObjectName
  /** Bytes. */
  readonly size: number
  readonly staged: string
  /** What stands under this name, by the journal and the store. */
  readonly present: 'absent' | 'same' | 'different'
}

export function decideUpload(context: Context, caller: Caller, upload: Upload): Decision {
  // Rule 9, before any other check: names are content hashes, so the same bytes are already where they should be.
  if (upload.present === 'same') return done
  if (upload.present === 'different') return plain('exists')
  const attempt: Attempt = { verb: 'upload', ...upload }
  switch (typeOf(upload.object)) {
    case 'locks':
      return decideLock(context, caller, attempt)
    case 'index':
    case 'snapshots':
      return decideNaming(context, caller, attempt)
    case 'data':
    case 'keys':
    case 'config':
      return decideHarmless(context, caller, attempt)
  }
}

/** A pack is harmless while nothing names it, and so is a key: committed unless every writer that may send it is fenced. */
function decideHarmless(context: Context, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(context, caller, {
    uploaded: attempt.object,
    mustHaveLooked: false,
  })
  const fence = commonFence(context, attribution)
  if (fence !== undefined) return refuse(context, caller, attempt, attribution, fence)
  return commit(context, attempt, attribution)
}

/**
 * An index or a snapshot names what must be there, so only a writer that nothing overtook may commit it. Where every
 * candidate is such a writer, it does not matter which of them sends it: the author is the set, and another writer to
 * each of them. A maintenance must know its own index, though, or it would take it for another's (rule 3).
 */
function decideNaming(context: Context, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(context, caller, {
    uploaded: attempt.object,
    mustHaveLooked: true,
  })
  const { candidates, writer } = attribution
  if (candidates.length === 0) {
    return refuse(context, caller, attempt, attribution, { reason: 'unseen' })
  }
  const fence = commonFence(context, attribution)
  if (fence !== undefined) return refuse(context, caller, attempt, attribution, fence)
  const isCurrent = areAllCurrent(context, candidates)
  const mayMaintain = candidates.some((one) => mayBeInMaintenance(context, one))
  if (writer !== undefined || (isCurrent && !mayMaintain)) {
    return commit(context, attempt, attribution)
  }
  const patience = context.presence.patienceFor(
    attempt.object,
    caller.sender,
    context.monotonic,
  )
  if (patience !== 'exhausted') {
    return knock(context, caller, attempt, attribution, patience === 'first')
  }
  return isCurrent
    ? commit(context, attempt, attribution)
    : refuse(context, caller, attempt, attribution, { reason: 'ambiguous' })
}

/** It has listed packs, or may have, and neither ended nor closed the connection that it began on. */
function mayBeInMaintenance({ presence }: Context, writer: Writer): boolean {
  if (!writer.mayHaveListedPacks || writer.ended !== undefined) return false
  return !presence.hasExited(writer.id)
}

/**
 * Rules 1 and 2: a lock is never refused for being ambiguous. It takes its writer's view again while that one has not
 * looked; after the look it moves nothing, so that a sleeper cannot launder itself by posting a new lock.
 */
function decideLock(context: Context, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(context, caller, {
    uploaded: attempt.object,
    mustHaveLooked: false,
  })
  const { candidates } = attribution
  // Who has not looked is made fresh by this very lock.
  const haveLooked = candidates.length > 0 && candidates.every((one) => one.hasLooked)
  const fence = haveLooked ? commonFence(context, attribution) : undefined
  const clearsLook = isSurelyFirst(context.state, attribution)
  if (fence !== undefined && !clearsLook) {
    return refuse(context, caller, attempt, attribution, fence)
  }
  const { writer } = attribution
  const takesView =
    writer !== undefined && !writer.isBroken && (!writer.hasLooked || clearsLook)
  return commit(context, attempt, attribution, takesView)
}

/**
 * restic locks before it looks. So a lock that is surely its writer's and surely its first shows that a look which only
 * may have been its was another's. "The only one left" is not sure enough: a sleeper's view must not move.
 */
function isSurelyFirst(state: RepositoryState, { writer, by }: Attribution): boolean {
  if (writer === undefined || by === 'only-candidate') return false
  if (writer.hasSurelyLooked || writer.isFromBefore === true) return false
  return !mayHaveLocked(state, writer)
}

/** The fence that stands whoever of the candidates it is. */
export function commonFence(context: Context, attribution: Attribution): Fence | undefined {
  const { writer, candidates } = attribution
  if (writer === undefined && !areAllFenced(context, candidates)) return undefined
  const one = writer ?? candidates[0]
  return one === undefined ? undefined : fenceOf(one, context.state.runs)
}

export function commit(
  context: Context,
  attempt: Attempt,
  attribution: Attribution,
  takesView = false,
): Decision {
  const { state, presence } = context
  const { commitView, packView } = state
  const resolves = state.openItems.get(attempt.object)
  const committed: JournalEvent = {
    kind: 'committed',
    object: attempt.object,
    size: attempt.size,
    author: authorOf(attribution),
    staged: attempt.staged ?? '',
    ...(takesView ? { view: commitView } : {}),
    ...(takesView && packView !== commitView ? { packView } : {}),
    ...(resolves === undefined ? {} : { resolves }),
    ...(presence.repeated.get(attempt.object) === true ? { isRepeated: true } : {}),
  }
  return { verdict: { kind: 'commit' }, events: [committed] }
}
