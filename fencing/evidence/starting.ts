/** Decides what a channel's first request says: the set of writers that its sender may be begins here. */
import type { WriterId } from '../journal/event.js'
import { newSenderId, type Caller, type Context } from '../rules/context.js'
import type { Writer } from '../state/writer.js'
import { mayBeSender } from './constants.js'
import { lateMsMax } from './late-copy.js'
import { hasLeftBefore } from './outliving.js'
import { Sender } from './sender.js'

/** A request's caller before it is known which process it is. */
export type Stranger = Omit<Caller, 'sender'>

/**
 * The channel's sender. A channel that says nothing (hidden by a proxy, mixed, or of a client that asks anew for its
 * opening) has a new one for each request.
 */
export function senderOf(context: Context, caller: Stranger): Sender {
  const { channel } = caller
  if (channel.channel.isHidden || channel.isMixed) return startingSender(context, caller)
  if (channel.sender === undefined && caller.constants !== undefined) {
    channel.constants = caller.constants
  }
  if (channel.constants !== caller.constants) {
    // One process does not change what it is: a proxy that nobody declared mixes several here.
    context.presence.mix(channel)
    context.presence.contradictions += 1
    return startingSender(context, caller)
  }
  // Nobody who began before sends the opening of a process.
  if (caller.isOpening === true && channel.sender === undefined) {
    return new Sender(newSenderId(context), [])
  }
  if (caller.hasFailedToOpen === true && channel.opened === undefined) {
    return startingSender(context, caller)
  }
  channel.sender ??= startingSender(context, caller)
  return channel.sender.current
}

function startingSender(context: Context, stranger: Stranger): Sender {
  const candidates: WriterId[] = []
  const late: WriterId[] = []
  const sender = new Sender(newSenderId(context), [])
  const caller: Caller = { ...stranger, sender }
  for (const writer of context.state.writers.tagged(caller.tag)) {
    if (writer.ended !== undefined && !hasEndedLately(context, writer.ended)) continue
    if (!mayBeSender(context, caller, writer)) continue
    const isLate = writer.ended !== undefined || hasLeftBefore(context, stranger, writer)
    if (isLate) late.push(writer.id)
    else candidates.push(writer.id)
  }
  return new Sender(sender.id, candidates, late)
}

/** What it sent may come only now. */
function hasEndedLately({ running }: Context, { ran }: NonNullable<Writer['ended']>): boolean {
  return running - ran <= lateMsMax
}
