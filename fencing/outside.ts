/** Knows how use of the folder past the gateway shows: the names of the indexes are not those that the journal knows. */
import { generationAfter, type JournalEvent } from './event.js'
import { typeOf, type ObjectName } from './object.js'
import type { RepositoryState } from './repository-state.js'

/**
 * The indexes as a listing found them, against the journal's. A vanished name is an outside maintenance: every view
 * before is overtaken. A new one is an outside commit, by another writer to everyone.
 */
export function compareIndexes(
  state: RepositoryState,
  standing: readonly ObjectName[],
): JournalEvent[] {
  const found = new Set(standing)
  const vanished = [...state.indexes].filter((index) => !found.has(index))
  const appeared = standing.filter((index) => !state.indexes.has(index))
  if (vanished.length === 0 && appeared.length === 0) return []
  const raised = vanished.length > 0 ? { generation: generationAfter(state.generation) } : {}
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
