/** Decides what a repository's state may forget: what no living view can ask for any more. */
import type { WriterId } from '../journal/event.js'
import { isOpen } from './item.js'
import type { RepositoryState } from './repository-state.js'

/** Ended writers are remembered this long, so that a request on a channel of theirs can revive them. */
const endedMemoryMs = 60 * 60_000
/**
 * A view lies before the oldest commit that is not yet published. A replay does not know how long each commit took, so
 * the fold keeps this many records more than the oldest view asks for.
 */
const publishingRecordsMax = 65_536

/** What was released, discarded or evicted stays in the journal; so many are still told of without reading it. */
const closedItemsMax = 1_000

/** To be called every so many records, always the same: a replay must forget what was forgotten. */
export function forget(state: RepositoryState, ran: number): void {
  let oldest = Math.min(state.commitView, state.packView)
  for (const writer of state.writers.values()) {
    const isForgotten = writer.ended !== undefined && ran - writer.ended.ran > endedMemoryMs
    if (isForgotten) state.writers.delete(writer.id)
    else oldest = Math.min(oldest, writer.view, writer.commitView, writer.packView)
  }
  oldest -= publishingRecordsMax
  state.runs = state.runs.filter((run) => run.last > oldest)
  for (const [pack, position] of state.packs) if (position <= oldest) state.packs.delete(pack)
  for (const [author, position] of state.lastCommits) {
    if (position <= oldest) state.lastCommits.delete(author)
  }
  const isRemembered = (id: WriterId): boolean => state.writers.has(id)
  for (const [object, { author }] of state.commits) {
    const senders = author.kind === 'writer' ? [author.writer] : author.candidates
    if (!senders.some(isRemembered) && !state.locks.has(object)) state.commits.delete(object)
  }
  forgetItems(state)
  for (const [id, { candidates }] of state.senders) {
    if (!candidates.some(isRemembered)) state.senders.delete(id)
  }
}

/** The oldest of those that are closed. */
function forgetItems({ items }: RepositoryState): void {
  const closed = [...items.values()].filter((item) => !isOpen(item))
  for (const { id } of closed.slice(0, Math.max(0, closed.length - closedItemsMax))) {
    items.delete(id)
  }
}
