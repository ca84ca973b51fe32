/** Evidence: a request arrives. Fact: its process lives, and the answers that went out before on its channel have reached it. */
import type { JournalEvent, WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Caller, Context } from '../rules/context.js'
import { livingCandidates, ownWriter } from './attribution.js'

/** How often it is recorded that a writer was heard, so that a restart does not take it for silent. */
export const heardEveryMs = 60 * 60_000

/** Deferred events: that answers have arrived, that a writer lives, and that one that had ended does. */
export function arrive(context: Context, caller: Caller): JournalEvent[] {
  const { state, presence, monotonic } = context
  const { channel } = caller
  const events: JournalEvent[] = []
  const objects = channel.unconfirmed.filter((object) => isUnanswered(context, object))
  if (channel.lastRequestPosition > 0) channel.precedingRequestAt = channel.lastRequestAt
  channel.lastRequestAt = monotonic
  channel.lastRequestPosition = state.position
  channel.unconfirmed = []
  // Through a proxy the next request is not the same client's.
  const isSure = !channel.channel.isHidden && !channel.isMixed
  if (isSure && objects.length > 0) events.push({ kind: 'answered', objects })
  for (const id of ownersOf(context, caller)) {
    presence.heard(id, monotonic)
    const writer = state.writers.get(id)
    if (writer === undefined) continue
    if (writer.ended !== undefined) {
      events.push({ kind: 'revived', writer: id })
      caller.sender.current.revive(id)
    } else if (context.running - writer.lastRecordedRan >= heardEveryMs) {
      events.push({ kind: 'heard', writer: id })
    }
  }
  return events
}

/** Each failed try is followed by a DELETE, which may arrive when a later try has long been answered (rule 8). */
function isUnanswered({ state, presence }: Context, object: ObjectName): boolean {
  if (presence.repeated.get(object) === true) return false
  const commit = state.commits.get(object)
  return commit !== undefined && commit.isStanding && !commit.isAnswered
}

/** The writer of the channel; under a tag without living writers, all that had it and are remembered. */
function ownersOf(context: Context, caller: Caller): WriterId[] {
  if (caller.isOpening === true) return []
  const own = ownWriter(context, caller)
  if (own !== undefined) return [own.id]
  if (caller.tag === undefined) return []
  const living = livingCandidates(context, caller)
  if (living.length > 1) return []
  if (living[0] !== undefined) return [living[0].id]
  return Array.from(context.state.writers.tagged(caller.tag), ({ id }) => id)
}
