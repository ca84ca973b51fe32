/** Knows how writers end without unlocking: their client has gone, an operator says so, or they were silent too long. */
import type { EndingCause, JournalEvent, WriterId } from '../journal/event.js'
import { lockDeletions, type Scene } from './scene.js'
import type { Writer } from '../state/writer.js'

/** A process that exits is believed to have exited this long after it closed all its channels. */
const goneMs = 10 * 60_000

/** `by` names the operator who says so. */
export function end(
  scene: Scene,
  id: WriterId,
  cause: EndingCause,
  by?: string,
): JournalEvent[] {
  const writer = scene.state.writers.get(id)
  if (writer === undefined || writer.ended !== undefined) return []
  const ended = {
    kind: 'ended',
    writer: id,
    cause,
    ...(by === undefined ? {} : { by }),
  } as const
  return [ended, ...lockDeletions(scene, id, 'ended')]
}

/** Looks for writers that have ended by the passing of time; to be called now and then. */
export function endGone(scene: Scene): JournalEvent[] {
  return scene.state.living().flatMap((writer) => {
    if (hasLeft(scene, writer)) return end(scene, writer.id, 'closed')
    return isSilent(scene, writer) ? end(scene, writer.id, 'silence') : []
  })
}

/** It neither locked nor posted, and its client closed all its channels itself, soon after its last request. */
function hasLeft(scene: Scene, writer: Writer): boolean {
  if (writer.hasLocked || writer.hasPosted || mayHaveLocked(scene, writer.id)) return false
  const presence = scene.presence.of(writer.id)
  if (!presence.closedItself || presence.openChannels.size > 0) return false
  return scene.monotonic - presence.lastClosedAt >= goneMs
}

function mayHaveLocked(scene: Scene, id: WriterId): boolean {
  return [...scene.state.locks.values()].some((lock) => lock.candidates.includes(id))
}

function isSilent(scene: Scene, writer: Writer): boolean {
  const presence = scene.presence.of(writer.id)
  const heard = scene.now - (scene.monotonic - presence.lastHeardAt)
  const last = Math.max(writer.lastRecorded, Number.isFinite(heard) ? heard : 0)
  return scene.now - last > scene.settings.writerAgeMaxMs
}
