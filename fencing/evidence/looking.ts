/**
 * Evidence: an upload of an index or a snapshot, or the deletion of a snapshot. Fact: whoever sends one has listed
 * indexes, snapshots or packs before. Evidence: a request for one index, snapshot or pack. Fact: whoever sends it has
 * listed some before, or locked (`cat`), so it is neither `unlock` nor a run that found another's lock.
 */
import type { WriterId } from '../journal/event.js'
import type { Context } from '../rules/context.js'
import { mayHaveLocked } from './constants.js'

export function mayHaveLooked({ state }: Context): (writer: WriterId) => boolean {
  return (id) => state.writers.get(id)?.hasLooked === true
}

export function mayAskForContent({ state }: Context): (writer: WriterId) => boolean {
  return (id) => {
    const writer = state.writers.get(id)
    if (writer === undefined || writer.hasLooked || writer.isFromBefore === true) return true
    return mayHaveLocked(state, writer)
  }
}
