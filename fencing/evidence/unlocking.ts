/**
 * Evidence: `DELETE locks/L`. Fact: a run deletes only its own locks, save `restic unlock`, which lists locks first and
 * never locks, looks or posts (docs/RESTIC.md section 1). That a client lists them again says nothing: it tries a list again
 * whose answer broke off.
 */
import type { Sender } from './sender.js'
import type { WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Caller, Context } from '../rules/context.js'
import { possiblePosters, posterOf } from '../state/repository-state.js'

export function mayDeleteLock(
  context: Context,
  { sender }: Pick<Caller, 'sender'>,
  lock: ObjectName,
): (writer: WriterId) => boolean {
  const { state } = context
  if (!state.commits.has(lock)) return () => true
  const owner = posterOf(state, lock)
  const owners = owner === undefined ? possiblePosters(state, lock) : [owner]
  if (owners.length === 0) return () => true
  const mayUnlock = mayUnlockOthers(sender)
  return (id) => owners.includes(id) || (mayUnlock && mayBeUnlock(context, id))
}

/** `unlock` posts no lock, and asks for no index, snapshot or pack. */
export function mayUnlockOthers(sender: Sender): boolean {
  const { hasLocked, contentAt } = sender.current
  return !hasLocked && !Number.isFinite(contentAt)
}

/** A writer that may turn out to be `restic unlock`. */
export function mayBeUnlock({ state, presence }: Context, id: WriterId): boolean {
  const writer = state.writers.get(id)
  if (writer === undefined || writer.hasLocked || writer.hasSurelyLooked) return false
  return !writer.hasPosted && presence.of(id).lockListsMax > 0
}
