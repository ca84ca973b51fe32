/**
 * Evidence: locks that whoever posted them deleted. Fact: a run that writes holds a lock from before its first look to its
 * end, and posts the next before it deletes the last (docs/RESTIC.md section 1). So it has ended once no lock is left
 * that may be its, though nobody knows which of them was.
 */
import type { WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Context } from '../rules/context.js'
import type { Presence } from './presence.js'
import { mayBeUnlock, mayUnlockOthers } from './unlocking.js'

/** Whoever posted the lock deleted it, when it had had the answer to it: not a copy of a request, and not `unlock`. */
function isReleased(context: Context, lock: ObjectName): boolean {
  const { state, presence } = context
  const commit = state.commits.get(lock)
  const deletion = presence.unlockings.get(lock)
  if (commit === undefined || deletion === undefined) return false
  if (commit.isStanding || !commit.isAnswered || commit.isRepeated === true) return false
  if (presence.repeated.get(lock) === true || deletion.outlived < commit.position) return false
  const { sender } = deletion
  return !mayUnlockOthers(sender) || !sender.all.some((id) => mayBeUnlock(context, id))
}

export class Releases {
  /** Who may hold a lock, or may have lost one to another. */
  readonly #doubtful = new Set<WriterId>()
  readonly #isOverfull: boolean

  constructor(context: Context) {
    const { presence, state } = context
    this.#isOverfull = presence.hasLostLockings
    for (const [lock, sender] of presence.lockings) {
      const remembered = sender.all.filter((id) => state.writers.has(id))
      const isOver = isReleased(context, lock)
      if (isOver || remembered.length === 0) presence.lockings.delete(lock)
      for (const id of remembered) {
        if (isOver) presence.of(id).mayHaveReleased = true
        else this.#doubtful.add(id)
      }
    }
  }

  /** It may have had a lock, and has none any more. What it did before this run of the gateway nobody knows. */
  haveCleared(presence: Presence, id: WriterId): boolean {
    const { mayHaveReleased, bornAt } = presence.of(id)
    if (bornAt < presence.startedAt || this.#isOverfull) return false
    return mayHaveReleased && !this.#doubtful.has(id)
  }
}
