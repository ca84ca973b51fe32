/** Decides what becomes of a deletion: a retraction, maintenance, a plain deletion, or a refusal. Locks: see unlocking.ts. */
import { attribute, authorOf, type Attribution } from '../evidence/attribution.js'
import { authorIs, authorMayBe } from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import { isMaintained, maintenanceGeneration } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'
import type { Caller, Context } from './context.js'
import { done, type Decision } from './decision.js'
import { areAllCurrent, knock, refuse, type Attempt } from './refusing.js'
import { hasNewerIndex, isRetraction, standingCommit } from './retracting.js'
import { commonFence } from './uploading.js'

export interface Deletion {
  readonly object: ObjectName
  readonly isPresent: boolean
}

export function decideDeletion(context: Context, caller: Caller, deletion: Deletion): Decision {
  if (!deletion.isPresent) return done
  const { object } = deletion
  const attempt: Attempt = { verb: 'deletion', object, size: 0 }
  const attribution = attribute(context, caller, {
    deleted: object,
    mustHaveLooked: isRelyingOnALook(object),
  })
  const { writer, candidates } = attribution
  if (candidates.length === 0) {
    return refuse(context, caller, attempt, attribution, { reason: 'unseen' })
  }
  const { state } = context
  if (candidates.every((one) => isRetraction(state, one, object))) {
    const author = authorOf(attribution)
    return { verdict: { kind: 'done' }, events: [{ kind: 'retracted', object, author }] }
  }
  const fence = commonFence(context, attribution)
  if (fence !== undefined) return refuse(context, caller, attempt, attribution, fence)
  if (mayMigrateAgain(context, attribution, object)) {
    return knockOrRefuse(context, caller, attempt, attribution)
  }
  if (writer === undefined) return decideForAll(context, caller, attempt, attribution)
  if (mayTakeBack(context, attribution, object)) {
    return knockOrRefuse(context, caller, attempt, attribution)
  }
  if (!isMaintained(object)) return remove(context, object, writer)
  return hasConflict(context, writer)
    ? refuse(context, caller, attempt, attribution, { reason: 'conflict' })
    : remove(context, object, writer)
}

/** Who deletes keys or the config need not have listed indexes, snapshots or packs before. */
export function isRelyingOnALook(object: ObjectName): boolean {
  return isMaintained(object) || typeOf(object) === 'snapshots'
}

/** Several may have sent it: decided at once where the answer is the same for all, else deferred. */
function decideForAll(
  context: Context,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
): Decision {
  const { object } = attempt
  const { candidates } = attribution
  const author = context.state.commits.get(object)?.author
  const mayTake = candidates.some(({ id }) => author !== undefined && authorMayBe(author, id))
  const isSame = areAllCurrent(context, candidates) && !mayTake
  // A deletion of an index or a pack must be credited to one writer: its view must not be overtaken by itself.
  if (!isSame || isMaintained(object) || typeOf(object) === 'config') {
    return knockOrRefuse(context, caller, attempt, attribution)
  }
  const deleted = { kind: 'deleted', object, author: authorOf(attribution) } as const
  return { verdict: { kind: 'commit' }, events: [{ ...deleted, cause: 'request' }] }
}

/**
 * What may be the late copy of a retraction is neither a retraction nor a real deletion: it is put off. That is so of
 * an index or snapshot of an unknown author that may be the deleter's own; of its own, unless it is a maintenance that
 * has written a newer index (restic's prune deletes its intermediate ones last); and of one that was posted more than
 * once, where the deleter is known as the only candidate, and so may be its author that has ended.
 */
function mayTakeBack(
  { state, presence }: Context,
  { writer, by }: Attribution,
  object: ObjectName,
): boolean {
  if (writer === undefined) return true
  const commit = standingCommit(state, object)
  const isNaming = typeOf(object) === 'index' || typeOf(object) === 'snapshots'
  if (commit === undefined || (commit.isAnswered && !isNaming)) {
    return by === 'only-candidate' && isRepeated()
  }
  if (commit.author.kind === 'unknown' && authorMayBe(commit.author, writer.id)) return true
  if (!authorIs(commit.author, writer.id)) return by === 'only-candidate' && isRepeated()
  const isMaintaining = writer.maintenance !== undefined || writer.hasSurelyListedPacks
  return !isMaintaining || !hasNewerIndex(state, writer, commit.position)

  function isRepeated(): boolean {
    return commit?.isRepeated === true || presence.repeated.get(object) === true
  }
}

/**
 * The config is deleted by a migration, which posts it anew at once; no run does so twice. Where it was deleted before,
 * what says no more than that one run is at work may be the late copy of that deletion, and so may its deleter's own.
 */
function mayMigrateAgain(
  { state }: Context,
  { writer, by }: Attribution,
  object: ObjectName,
): boolean {
  const { configDeletedBy } = state
  if (typeOf(object) !== 'config' || configDeletedBy === undefined) return false
  if (writer === undefined) return false
  return by === 'only-candidate' || authorIs(configDeletedBy, writer.id)
}

/** A deletion needs one sure author; while there is none it is put off, and refused when patience ends. */
function knockOrRefuse(
  context: Context,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
): Decision {
  const { presence, monotonic } = context
  const patience = presence.patienceFor(attempt.object, caller.sender, monotonic)
  if (patience !== 'exhausted' || attribution.writer !== undefined) {
    return knock(context, caller, attempt, attribution, patience === 'first')
  }
  return refuse(context, caller, attempt, attribution, { reason: 'ambiguous' })
}

/** Rule 3: somebody else committed an index or a snapshot since this writer's view. */
export function hasConflict(context: Context, writer: Writer): boolean {
  for (const [author, position] of context.state.lastCommits) {
    if (author !== writer.id && position > writer.commitView) return true
  }
  return false
}

export function remove(context: Context, object: ObjectName, writer: Writer): Decision {
  const author = authorOf({ writer, candidates: [writer] })
  const deleted = { kind: 'deleted', object, author, cause: 'request' } as const
  if (!isMaintained(object)) return { verdict: { kind: 'commit' }, events: [deleted] }
  const generation = maintenanceGeneration(context.state, writer)
  return { verdict: { kind: 'commit' }, events: [{ ...deleted, generation }] }
}
