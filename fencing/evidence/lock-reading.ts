/**
 * Evidence: `GET locks/L`. Fact: restic never reads its own lock, and reads locks before it looks, never after
 * (docs/RESTIC.md section 9).
 */
import type { WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Context } from '../rules/context.js'
import { posterOf } from '../state/repository-state.js'

export function mayReadLock(
  { state }: Context,
  lock: ObjectName,
): (writer: WriterId) => boolean {
  const owner = posterOf(state, lock)
  return (id) => id !== owner && state.writers.get(id)?.hasSurelyLooked !== true
}
