/** Knows what becomes of a deletion: a retraction, maintenance, a plain deletion, or a refusal. Locks: see unlocking.ts. */
import { attribute, authorOf, type Attribution } from '../evidence/attribution.js'
import { done, type Decision } from './decision.js'
import { authorIs, type Position } from '../journal/event.js'
import { sureAuthor, type Caller, type Scene } from './scene.js'
import { digestOf, typeOf, type ObjectName } from '../object.js'
import { knock, refuse, type Attempt } from './refusing.js'
import {
  isMaintained,
  maintenanceGeneration,
  type RepositoryState,
} from '../state/repository-state.js'
import { commonFence } from './uploading.js'
import type { Writer } from '../state/writer.js'

export interface Deletion {
  readonly object: ObjectName
  readonly isPresent: boolean
}

export function decideDeletion(scene: Scene, caller: Caller, deletion: Deletion): Decision {
  // `restic unlock`, the one that deletes others' locks, deletes nothing else: who unlocks here later is no such run.
  caller.channel.hasWorked = true
  if (!deletion.isPresent) {
    scene.presence.tookBack(deletion.object, caller.arrivedAt)
    return done
  }
  const attempt: Attempt = { verb: 'deletion', object: deletion.object, size: 0 }
  const attribution = attribute(scene, caller, {
    deleted: deletion.object,
    mustHaveLooked: isRelyingOnALook(deletion.object),
  })
  const { writer, candidates } = attribution
  if (writer !== undefined && isRetraction(scene, writer, deletion.object)) {
    return retract(deletion.object, writer)
  }
  if (candidates.length === 0) {
    return refuse(scene, caller, attempt, attribution, { reason: 'unseen' })
  }
  const fence = commonFence(scene, attribution)
  if (fence !== undefined) return refuse(scene, caller, attempt, attribution, fence)
  if (mayMigrateAgain(scene, attribution, deletion.object)) {
    return knockOrRefuse(scene, caller, attempt, { candidates })
  }
  if (writer === undefined || mayTakeBack(scene, attribution, deletion.object)) {
    return knockOrRefuse(scene, caller, attempt, attribution)
  }
  if (!isMaintained(deletion.object)) return remove(scene, deletion.object, writer)
  return hasConflict(scene, writer)
    ? refuse(scene, caller, attempt, attribution, { reason: 'conflict' })
    : remove(scene, deletion.object, writer)
}

/** Who deletes keys or the config need not have listed indexes, snapshots or packs before. */
export function isRelyingOnALook(object: ObjectName): boolean {
  return isMaintained(object) || typeOf(object) === 'snapshots'
}

/**
 * Rule 8: restic takes back an upload whose answer it did not get. By the journal, that is a pack published after the
 * view of its deleter, or an object that the deleter itself uploaded and whose answer did not surely arrive.
 */
function isRetraction(scene: Scene, writer: Writer, object: ObjectName): boolean {
  if (typeOf(object) === 'data') {
    const published = scene.state.packs.get(digestOf(object) ?? '')
    return published !== undefined && published > writer.commitView
  }
  const unanswered = scene.state.unanswered.get(object)
  return unanswered?.author.kind === 'writer' && unanswered.author.writer === writer.id
}

function retract(object: ObjectName, writer: Writer): Decision {
  const author = sureAuthor(writer.id)
  return { verdict: { kind: 'done' }, events: [{ kind: 'retracted', object, author }] }
}

/**
 * What may be the late copy of a retraction is neither a retraction nor a real deletion: it is put off. That is so of
 * an index or snapshot of an unknown author that may be the deleter's own; of its own, unless it is a maintenance that
 * has written a newer index (restic's prune deletes its intermediate ones last); and of one that was posted more than
 * once, where the deleter is known as the only candidate, and so may be its author that has ended.
 */
function mayTakeBack(scene: Scene, attribution: Attribution, object: ObjectName): boolean {
  const { state, presence } = scene
  const { writer, by } = attribution
  if (writer === undefined) return true
  if (state.unknownCommits.get(object)?.includes(writer.id) === true) return true
  const commit = state.answered.get(object) ?? state.unanswered.get(object)
  if (commit === undefined || !authorIs(commit.author, writer.id)) {
    const isRepeated = commit?.isRepeated === true || presence.repeated.get(object) === true
    return by === 'only-candidate' && isRepeated
  }
  return writer.maintenance === undefined || !hasNewerIndex(state, writer, commit.position)
}

/**
 * The config is deleted by a migration, which posts it anew at once; no run does so twice. Where it was deleted before,
 * what says no more than that one run is at work may be the late copy of that deletion, and so may its deleter's own.
 */
function mayMigrateAgain(
  { state }: Scene,
  { writer, by }: Attribution,
  object: ObjectName,
): boolean {
  const { configDeletedBy } = state
  if (typeOf(object) !== 'config' || configDeletedBy === undefined) return false
  if (writer === undefined) return false
  return by === 'only-candidate' || authorIs(configDeletedBy, writer.id)
}

function hasNewerIndex(state: RepositoryState, writer: Writer, than: Position): boolean {
  return [...state.answered, ...state.unanswered].some(([object, { author, position }]) => {
    return authorIs(author, writer.id) && position > than && typeOf(object) === 'index'
  })
}

/** A deletion needs one sure author; while there is none it is put off, and refused when patience ends. */
function knockOrRefuse(
  scene: Scene,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
): Decision {
  const tried = scene.presence.tried(attempt.object, scene.monotonic)
  if (tried !== 'exhausted' || attribution.writer !== undefined) {
    return knock(scene, caller, attempt, attribution, tried === 'first')
  }
  // Who was told so may give up and end, and leave the only other one behind when a copy of this comes.
  scene.presence.triedAt(attempt.object, caller.arrivedAt)
  return refuse(scene, caller, attempt, attribution, { reason: 'ambiguous' })
}

/** Rule 3: somebody else committed an index or a snapshot since this writer's view. */
export function hasConflict(scene: Scene, writer: Writer): boolean {
  for (const [author, position] of scene.state.lastCommits) {
    if (author !== writer.id && position > writer.commitView) return true
  }
  return false
}

export function remove(scene: Scene, object: ObjectName, writer: Writer): Decision {
  const author = authorOf({ writer, candidates: [writer] })
  const deleted = { kind: 'deleted', object, author, cause: 'request' } as const
  scene.presence.settled(object)
  if (!isMaintained(object)) return { verdict: { kind: 'commit' }, events: [deleted] }
  const generation = maintenanceGeneration(scene.state, writer)
  return { verdict: { kind: 'commit' }, events: [{ ...deleted, generation }] }
}
