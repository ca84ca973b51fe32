/**
 * Knows which requests may be those of a run that has ended. What a process sent and nobody acknowledged is sent again
 * by its system after it has exited, on Linux for up to about 100 s (tcp_orphan_retries in tcp(7)); a handshake that is
 * completed only by that makes the line new to the gateway. A proxy may do the same for its client.
 *
 * The journal cannot tell such a request from one of the only run at work, but the line can: the end of the stream stands
 * behind it, since its sender is gone. So it waits for that.
 */
import { attribute, mayBeSender } from './attribution.js'
import { isRelyingOnALook } from './deleting.js'
import type { Verb } from './event.js'
import { typeOf, type ObjectName } from './object.js'
import type { Caller, Scene } from './scene.js'

/** Nothing is sent again for so long after its process has exited. */
const lateMsMax = 5 * 60_000
/** How soon the end of the stream follows what was sent before it. */
export const hangUpMs = 300

/**
 * True for what is known as one run's only because no other is at work, where another ended lately. A line that carried
 * a request before is a living process's, since a client sends the next after it has heard the answer to the last;
 * a proxy's line says nothing.
 */
export function mayBeLate(
  scene: Scene,
  caller: Caller,
  verb: Verb,
  object: ObjectName,
): boolean {
  const { channel } = caller
  const isNew = caller.follows === 0 || channel.channel.isHidden || channel.isShared
  if (!isNew || isHarmless(verb, object)) return false
  const mustHaveLooked = isRelyingOnALook(object)
  const about = verb === 'upload' ? { uploaded: object } : { deleted: object }
  const { by } = attribute(scene, caller, { ...about, mustHaveLooked })
  if (by !== 'only-candidate') return false
  return [...scene.state.writers.values()].some((writer) => {
    const { ended } = writer
    if (ended === undefined || scene.now - ended.time > lateMsMax) return false
    return (writer.hasLooked || !mustHaveLooked) && mayBeSender(scene, caller, writer)
  })
}

/** Whoever sent it: nothing names a pack or a key that is uploaded, and locks prove nothing on a line of nobody's. */
function isHarmless(verb: Verb, object: ObjectName): boolean {
  const type = typeOf(object)
  if (type === 'locks') return true
  return verb === 'upload' && type !== 'index' && type !== 'snapshots'
}
