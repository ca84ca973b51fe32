/** Decides what a listing means: whose look it is, and which objects it leaves out. */
import { attribute, idsOf } from '../evidence/attribution.js'
import type { JournalEvent } from '../journal/event.js'
import type { ListedType, ObjectName } from '../object.js'
import { possiblePosters, posterOf } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'
import type { Caller, Context } from './context.js'

/** From its first listing of these a writer relies on what it saw. */
const lookedTypes: ReadonlySet<ListedType> = new Set(['index', 'snapshots', 'data'])

export function look(context: Context, caller: Caller, type: ListedType): JournalEvent[] {
  if (!lookedTypes.has(type)) return []
  const attribution = attribute(context, caller, { mustHaveLooked: false })
  const { candidates, writer, by } = attribution
  // What only one of the living may have sent may still be the late copy of a list of somebody's who has ended.
  const mayBeLate = by === 'only-candidate' && caller.sender.mayBeLate
  const isSure = writer !== undefined && !mayBeLate
  const sender = mayBeLate ? caller.sender.id : attribution.sender
  const isNoted = (writer: Writer): boolean => {
    if (type === 'data' && !(isSure ? writer.hasSurelyListedPacks : writer.mayHaveListedPacks))
      return false
    return isSure ? writer.hasSurelyLooked : writer.hasLooked
  }
  if (candidates.every(isNoted) && (isSure || sender === undefined || isRecorded())) return []
  const writers = isSure
    ? idsOf(candidates.filter((writer) => !isNoted(writer)))
    : idsOf(candidates)
  if (writers.length === 0) return []
  const named = sender === undefined ? {} : { sender }
  return [{ kind: 'looked', writers, sure: isSure, listing: type, ...named }]

  function isRecorded(): boolean {
    const record = sender === undefined ? undefined : context.state.senders.get(sender)
    if (record === undefined) return false
    return record.lookedAt > 0 && (type !== 'data' || record.listedPacksAt > 0)
  }
}

/** What the caller is not shown: the journal has deleted it, or it is the expired lock of somebody else (rule 6). */
export function isHidden(context: Context, caller: Caller, object: ObjectName): boolean {
  const { state } = context
  if (state.pendingDeletions.has(object)) return true
  // Where nothing is protected, only the locks of sleepers keep others from harm.
  if (context.settings.isObserving) return false
  if (!state.locks.has(object) || !isExpired(context, object)) return false
  const owner = posterOf(state, object)
  const owners = owner === undefined ? possiblePosters(state, object) : [owner]
  const callers = attribute(context, caller, { mustHaveLooked: false }).candidates
  return !callers.some((writer) => owners.includes(writer.id))
}

/** restic's own rule for stale locks, by the gateway's clock. */
export function isExpired(context: Context, lock: ObjectName): boolean {
  return context.monotonic - context.presence.lockHeardAt(lock) > context.settings.lockTimeoutMs
}
