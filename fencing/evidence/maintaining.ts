/**
 * Evidence: the deletion of an index or a pack that is there. Fact: it takes back an upload of the deleter's own (rule 8),
 * or it is maintenance; and every maintenance holds a lock and has listed `data/` before, which a backup never does, save
 * `repair packs` of restic 0.18, which has uploaded an index before (docs/RESTIC.md section 4).
 */
import { mayHaveLocked } from './constants.js'
import type { WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Context } from '../rules/context.js'
import { mayRetract } from '../rules/retracting.js'
import type { RepositoryState } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'

export function mayMaintain(
  { state }: Context,
  object: ObjectName,
): (writer: WriterId) => boolean {
  return (id) => {
    const writer = state.writers.get(id)
    if (writer === undefined) return false
    if (writer.isFromBefore === true || mayRetract(state, writer, object)) return true
    const mayHavePrepared = writer.mayHaveListedPacks || mayHaveNamed(state, writer)
    return mayHavePrepared && mayHaveLocked(state, writer)
  }
}

/** The config is deleted by `migrate` alone, and by the opening of it that holds the lock. */
export function mayMigrate({ state }: Context): (writer: WriterId) => boolean {
  return (id) => {
    const writer = state.writers.get(id)
    return (
      writer !== undefined && (writer.isFromBefore === true || mayHaveLocked(state, writer))
    )
  }
}

/** It may have uploaded an index or a snapshot. */
function mayHaveNamed({ lastCommits, senders }: RepositoryState, writer: Writer): boolean {
  if (writer.mayHaveWritten || lastCommits.has(writer.id)) return true
  for (const [id, { candidates }] of senders) {
    if (lastCommits.has(id) && candidates.includes(writer.id)) return true
  }
  return false
}
