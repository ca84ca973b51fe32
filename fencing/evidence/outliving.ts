/**
 * Evidence: a request that comes after a writer has ended. Fact: a client sends its next request on a connection when it
 * has had the answer to the last, so whoever asked before the end and asks again is not the writer that ended.
 */
import type { WriterId } from '../journal/event.js'
import type { Caller, Context } from '../rules/context.js'

/** Not where requests come ahead of answers, nor through a proxy. */
export function hasOutlived({ channel, follows }: Caller, endedAt: number): boolean {
  const { isHidden, isMultiplexed } = channel.channel
  if (isHidden || channel.isMixed) return false
  return Math.max(channel.outlived, isMultiplexed === true ? 0 : follows) >= endedAt
}

export function hasNotEndedBefore(
  { state }: Context,
  caller: Caller,
): (writer: WriterId) => boolean {
  return (id) => {
    const ended = state.writers.get(id)?.ended
    return ended === undefined || !hasOutlived(caller, ended.position)
  }
}
