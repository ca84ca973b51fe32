/**
 * Evidence: `GET locks/L`. Fact: restic never reads its own lock, and reads locks only until it has its own, so before it
 * looks, reads or uploads anything else (docs/RESTIC.md section 9).
 */
import type { ChannelState } from './presence.js'
import type { Sender } from './sender.js'
import type { WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Context } from '../rules/context.js'
import { posterOf } from '../state/repository-state.js'

export function mayReadLock(context: Context, lock: ObjectName): (writer: WriterId) => boolean {
  const { state } = context
  const owner = mayBeOwn(context, lock) ? undefined : posterOf(state, lock)
  return (id) => id !== owner && state.writers.get(id)?.hasSurelyLooked !== true
}

/** A lock that was taken back may come once more, late, and its owner takes it for another's. */
export function mayBeOwn({ state, presence }: Context, lock: ObjectName): boolean {
  return presence.repeated.get(lock) === true || state.commits.get(lock)?.isRepeated === true
}

/**
 * What the reading says of others: whoever asked for an index, a snapshot or a pack before is not the reader. What was
 * asked before this reading was sent counts, so before the request ahead of it on its channel.
 */
export function isNoReader(
  {
    precedingRequestAt,
    isMixed,
    channel: { isHidden, isMultiplexed },
  }: Pick<ChannelState, 'precedingRequestAt' | 'isMixed' | 'channel'>,
  sender: Sender,
): boolean {
  // What came before on a line that a proxy hides was another's.
  if (precedingRequestAt === undefined || isHidden || isMixed || isMultiplexed === true)
    return false
  return sender.current.contentAt < precedingRequestAt
}
