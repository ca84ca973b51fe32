/**
 * Decides which requests may be those of a run that has ended. What a process sent and nobody acknowledged is sent again
 * by its system after it has exited, on Linux for up to about 100 s (tcp_orphan_retries in tcp(7)). It may come on a line
 * that the gateway hears of only then, if the end of the handshake hung as well, or on one that the run used before.
 *
 * The journal cannot tell such a request from one of whoever else is at work, but the line can: the end of the stream
 * stands behind it, since its sender is gone. So it waits for that.
 */
import { attribute } from './attribution.js'
import { mayBeSender } from './constants.js'
import { hasOutlived } from './outliving.js'
import { isRelyingOnALook } from '../rules/deleting.js'
import type { Verb } from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import type { Caller, Context } from '../rules/context.js'

/** Nothing is sent again so long after its process has exited. */
export const lateMsMax = 5 * 60_000
/** How soon the end of the stream follows what was sent before it. */
export const hangUpMs = 300

/**
 * True where it is not known whose it is, or only by there being no other, and somebody who may have sent it ended or exited lately.
 */
export function mayBeLate(
  context: Context,
  caller: Caller,
  verb: Verb,
  object: ObjectName,
): boolean {
  if (isHarmless(verb, object)) return false
  const mustHaveLooked = isRelyingOnALook(object)
  const about = verb === 'upload' ? { uploaded: object } : { deleted: object }
  const { by } = attribute(context, caller, { ...about, mustHaveLooked })
  if (by !== undefined && by !== 'only-candidate') return false
  return [...context.state.writers.tagged(caller.tag)].some((writer) => {
    const { ended } = writer
    if (ended === undefined) {
      if (!caller.sender.mayBeLateCopyOf(writer.id)) return false
    } else if (context.running - ended.ran > lateMsMax || hasOutlived(caller, ended.position)) {
      return false
    }
    return (writer.hasLooked || !mustHaveLooked) && mayBeSender(context, caller, writer)
  })
}

/**
 * Nothing names a pack, a key or a config that is uploaded. A lock that is taken for another's keeps that one from ending,
 * and no more; its deletion ends nobody on a line that is not surely the owner's.
 */
function isHarmless(verb: Verb, object: ObjectName): boolean {
  const type = typeOf(object)
  if (type === 'locks') return true
  return verb === 'upload' && type !== 'index' && type !== 'snapshots'
}
