/** Rule 8: restic takes back an upload whose answer it did not get; that is no maintenance, and changes nothing. */
import { authorIs, authorMayBe, type Position } from '../journal/event.js'
import { digestOf, typeOf, type ObjectName } from '../object.js'
import type { Commit, RepositoryState } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'

/**
 * By the journal, a retraction names a pack that was published after the view of its deleter, or an object that the
 * deleter itself uploaded and whose answer did not surely arrive.
 */
export function isRetraction(
  state: RepositoryState,
  writer: Writer,
  object: ObjectName,
): boolean {
  if (typeOf(object) === 'data') return isPackSince(state, writer, object)
  const commit = standingCommit(state, object)
  return commit !== undefined && !commit.isAnswered && authorIs(commit.author, writer.id)
}

/** Whether the writer can have uploaded it at all. */
export function mayRetract(
  state: RepositoryState,
  writer: Writer,
  object: ObjectName,
): boolean {
  if (typeOf(object) === 'data') return isPackSince(state, writer, object)
  const author = state.commits.get(object)?.author
  return author !== undefined && authorMayBe(author, writer.id)
}

export function standingCommit(state: RepositoryState, object: ObjectName): Commit | undefined {
  const commit = state.commits.get(object)
  return commit?.isStanding === true ? commit : undefined
}

function isPackSince(state: RepositoryState, writer: Writer, object: ObjectName): boolean {
  const published = state.packs.get(digestOf(object) ?? '')
  return published !== undefined && published > writer.packView
}

export function hasNewerIndex(state: RepositoryState, writer: Writer, than: Position): boolean {
  for (const [object, { author, position, isStanding }] of state.commits) {
    const isIts = isStanding && authorIs(author, writer.id)
    if (isIts && position > than && typeOf(object) === 'index') return true
  }
  return false
}
