/** Knows what a listing means: whose look it is, and which objects it leaves out. */
import { attribute, idsOf } from '../evidence/attribution.js'
import type { JournalEvent, WriterId } from '../journal/event.js'
import type { ListedType, ObjectName } from '../object.js'
import type { Caller, Scene } from './scene.js'

/** From its first listing of these a writer relies on what it saw. */
const lookedTypes: ReadonlySet<ListedType> = new Set(['index', 'snapshots', 'data'])

export function look(scene: Scene, caller: Caller, type: ListedType): JournalEvent[] {
  if (!lookedTypes.has(type)) return []
  const attribution = attribute(scene, caller, { mustHaveLooked: false })
  caller.channel.hasWorked = true
  const isSure = attribution.writer !== undefined
  const unseen = attribution.candidates.filter((writer) => {
    return isSure ? !writer.hasSurelyLooked : !writer.hasLooked
  })
  return unseen.length === 0 ? [] : [{ kind: 'looked', writers: idsOf(unseen), sure: isSure }]
}

/** What the caller is not shown: the journal has deleted it, or it is the expired lock of somebody else (rule 6). */
export function isHidden(scene: Scene, caller: Caller, object: ObjectName): boolean {
  const { state } = scene
  if (state.pendingDeletions.has(object)) return true
  // Where nothing is protected, only the locks of sleepers keep others from harm.
  if (scene.settings.isObserving) return false
  const lock = state.locks.get(object)
  if (lock === undefined || !isExpired(scene, object)) return false
  const owners = lock.owner === undefined ? lock.candidates : [lock.owner]
  const callers = attribute(scene, caller, { mustHaveLooked: false }).candidates
  return !callers.some((writer) => owners.includes(writer.id))
}

/** restic's own rule for stale locks, by the gateway's clock. */
export function isExpired(scene: Scene, lock: ObjectName): boolean {
  return scene.monotonic - scene.presence.lockHeardAt(lock) > scene.settings.lockTimeoutMs
}

export function holdsLivingLock(scene: Scene, id: WriterId): boolean {
  const locks = scene.state.writers.get(id)?.locks ?? new Set<ObjectName>()
  return [...locks].some((lock) => !isExpired(scene, lock))
}
