/**
 * Knows how use of the folder past the gateway shows: the names of the indexes are not those that the journal knows, or what
 * was just published is gone.
 */
import { generationAfter, type JournalEvent } from '../journal/event.js'
import type { Recorded } from '../journal/journal.js'
import { typeOf, type ObjectName } from '../object.js'
import { isMaintained, type RepositoryState } from '../state/repository-state.js'

/** The indexes as a listing found them, against the journal's. */
export function compareIndexes(
  state: RepositoryState,
  standing: readonly ObjectName[],
): JournalEvent[] {
  const found = new Set(standing)
  const vanished = [...state.indexes].filter((index) => !found.has(index))
  const appeared = standing.filter((index) => !state.indexes.has(index))
  return usedOutside(state, vanished, appeared)
}

/** What this record has published is gone, before it was noted that it had been published. */
export function vanish(state: RepositoryState, { event, position }: Recorded): JournalEvent[] {
  const isCommit = event.kind === 'committed' || event.kind === 'released'
  if (!isCommit || !state.isPending(event, position)) return []
  return usedOutside(state, [event.object], [])
}

/**
 * A vanished index or pack is an outside maintenance: every view before is overtaken. A new index is an outside commit, by
 * another writer to everyone.
 */
function usedOutside(
  state: RepositoryState,
  vanished: readonly ObjectName[],
  appeared: readonly ObjectName[],
): JournalEvent[] {
  if (vanished.length === 0 && appeared.length === 0) return []
  const isMaintenance = vanished.some(isMaintained)
  const raised = isMaintenance ? { generation: generationAfter(state.generation) } : {}
  return [{ kind: 'outside', vanished, appeared, ...raised }]
}

/**
 * A listing can be compared with the journal only where no index changes meanwhile. What this answers before the
 * listing must be the same after it; undefined while an index is recorded and not yet carried out.
 */
export function indexesSettledAt(state: RepositoryState): number | undefined {
  const pending = [...state.pendingCommits.keys(), ...state.pendingDeletions.keys()]
  return pending.some((object) => typeOf(object) === 'index') ? undefined : state.indexPosition
}
