/**
 * Evidence: an upload of an index or a snapshot, or the deletion of a snapshot. Fact: whoever sends one has listed
 * indexes, snapshots or packs before.
 */
import type { WriterId } from '../journal/event.js'
import type { Context } from '../rules/context.js'

export function mayHaveLooked({ state }: Context): (writer: WriterId) => boolean {
  return (id) => state.writers.get(id)?.hasLooked === true
}
