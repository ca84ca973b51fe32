/**
 * Evidence: a request that comes after a writer has ended. Fact: a client sends its next request on a connection when it
 * has had the answer to the last, so whoever asked before the end and asks again is not the writer that ended.
 */
import type { Position, WriterId } from '../journal/event.js'
import type { Caller, Context } from '../rules/context.js'
import type { Writer } from '../state/writer.js'

/**
 * The journal's head at a moment when the sender's client was there before it sent this request; 0 where that is not
 * known: through a proxy, and where requests come ahead of answers.
 */
export function outlivedBy({
  channel,
  follows,
}: Pick<Caller, 'channel' | 'follows'>): Position {
  const { isHidden, isMultiplexed } = channel.channel
  if (isHidden || channel.isMixed) return 0
  return Math.max(channel.outlived, isMultiplexed === true ? 0 : follows)
}

export function hasOutlived(caller: Caller, endedAt: Position): boolean {
  return outlivedBy(caller) >= endedAt
}

export function hasNotEndedBefore(
  context: Context,
  caller: Caller,
): (writer: WriterId) => boolean {
  const { isHidden, isMultiplexed } = caller.channel.channel
  const hasAskedBefore = caller.follows > 0 && !isHidden && isMultiplexed !== true
  return (id) => {
    const writer = context.state.writers.get(id)
    if (writer === undefined) return true
    if (writer.ended !== undefined) return !hasOutlived(caller, writer.ended.position)
    return !(hasAskedBefore && hasLeftBefore(context, caller, writer))
  }
}

/**
 * A client that exited before the channel was opened: it closed the channel of its opening itself, early. Not believed of a
 * run that locked or uploaded: what such a run may still send can do harm, so its ending is proved otherwise.
 */
export function hasLeftBefore(
  { presence }: Context,
  { channel }: Pick<Caller, 'channel'>,
  writer: Writer,
): boolean {
  if (writer.hasLocked || writer.hasPosted || !presence.hasExited(writer.id)) return false
  const {
    exitedAt = Number.POSITIVE_INFINITY,
    closesEarly,
    lockListsMax,
  } = presence.of(writer.id)
  // Who waits for its lock may have lost its connection in between.
  if (lockListsMax > 1) return false
  return !closesEarly && exitedAt < channel.channel.openedAt
}
