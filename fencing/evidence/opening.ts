/**
 * Evidence: `HEAD config`. Fact: every process begins with one, on a connection of its own, and sends no second one there
 * (docs/RESTIC.md section 0); `migrate` alone opens twice.
 */
import type { WriterId } from '../journal/event.js'
import type { Caller, Context } from '../rules/context.js'
import { newSenderId } from '../rules/context.js'
import { Sender } from './sender.js'

/** To be called once the writer's birth is durable. A second opening shows that the channel is not one process's. */
export function noteBirth(context: Context, caller: Caller, writer: WriterId): void {
  const { presence, monotonic } = context
  const { channel } = caller
  presence.born(writer, monotonic)
  const born = presence.of(writer)
  const { isHidden, staysOpen } = channel.channel
  born.closesEarly = staysOpen !== true
  if (isHidden) {
    born.mayLive = true
    return
  }
  if (channel.opened === undefined && !channel.isMixed) {
    channel.opened = writer
    channel.sender = new Sender(newSenderId(context), [writer])
    return
  }
  channel.openedLater ??= []
  channel.openedLater.push(writer)
  presence.mix(channel)
}
