/** Decides what the deletion of a lock does, and whether it shows that its writer has ended (rules 2 and 6). */
import { attribute, authorOf, ownWriter } from '../evidence/attribution.js'
import { mayHaveLockedUnseen } from '../evidence/constants.js'
import { idleCloseMs } from '../evidence/presence.js'
import type { Sender } from '../evidence/sender.js'
import type { JournalEvent, Position, WriterId } from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import { possiblePosters, posterOf, type Commit } from '../state/repository-state.js'
import { fenceOf, type Writer } from '../state/writer.js'
import { sureAuthor, type Caller, type Context } from './context.js'
import { done, type Decision } from './decision.js'
import type { Deletion } from './deleting.js'
import { refuse, type Attempt } from './refusing.js'

export function decideUnlocking(
  context: Context,
  caller: Caller,
  deletion: Deletion,
): Decision {
  const { state } = context
  const { object } = deletion
  const owner = state.writers.get(posterOf(state, object) ?? ('' as WriterId))
  const sender = senderOf(context, caller, owner)
  const mayBeIts =
    sender !== undefined &&
    (owner?.id === sender.id || possiblePosters(state, object).includes(sender.id))
  const fence = sender === undefined ? undefined : fenceOf(sender, state.runs)
  if (deletion.isPresent && sender !== undefined && !mayBeIts && fence !== undefined) {
    const attempt: Attempt = { verb: 'deletion', object, size: 0 }
    return refuse(context, caller, attempt, { writer: sender, candidates: [sender] }, fence)
  }
  const author = sender
    ? sureAuthor(sender.id)
    : authorOf(attribute(context, caller, { mustHaveLooked: false }))
  const outlived = Math.max(caller.follows, caller.channel.outlived)
  const isTagged = caller.tag !== undefined && isAlone(context, caller)
  const ends =
    sender !== undefined &&
    owner?.id === sender.id &&
    isEnding(context, object, sender, { sender: caller.sender, outlived, isTagged })
  const ended: JournalEvent[] = ends
    ? [{ kind: 'ended', writer: sender.id, cause: 'unlocked' }]
    : []
  // Somebody unlocked it before, and it ends all the same.
  if (!deletion.isPresent) return { ...done, events: ended }
  const deleted: JournalEvent = { kind: 'deleted', object, author, cause: 'request' }
  return { verdict: { kind: 'commit' }, events: [deleted, ...ended] }
}

function senderOf(
  context: Context,
  caller: Caller,
  owner: Writer | undefined,
): Writer | undefined {
  const own = ownWriter(context, caller)
  if (own !== undefined) return own
  const attribution = attribute(context, caller, { mustHaveLooked: false })
  if (attribution.by === 'tag') return attribution.writer
  // That the owner may be the only one left is enough to let its lock go.
  return owner !== undefined && attribution.writer?.id === owner.id ? owner : undefined
}

/** A tag without a second living writer is exact: all its channels are the writer's own. */
function isAlone(context: Context, caller: Caller): boolean {
  return attribute(context, caller, { mustHaveLooked: false }).by === 'tag'
}

export interface UnlockingProof {
  /** Of the deletion. */
  readonly sender: Sender
  /** The journal's head when the sender's client was last there before it sent the deletion. */
  readonly outlived: Position
  readonly isTagged?: boolean
}

/**
 * A living writer that is taken for ended costs a repository, so the ending is proved: on a channel that is surely its own
 * it deletes the newest lock it posted, after it had the answer to it and had asked for something but locks; and it
 * holds no other, and no lock that may be its was posted since without finding an owner.
 */
export function isEnding(
  context: Context,
  object: ObjectName,
  writer: Writer,
  { sender, outlived, isTagged = false }: UnlockingProof,
): boolean {
  const { state, presence } = context
  if (!isTagged && sender.only !== writer.id) return false
  const lock = state.commits.get(object)
  if (lock === undefined || !hasHadAnswer(context, lock, writer, isTagged)) return false
  // What takes back a try that failed may come late, after a later try of the same lock was answered.
  if (presence.repeated.get(object) === true || lock.isRepeated === true) return false
  // What was sent after another request on this channel was sent later; else it may have hung since a failed try. Under
  // a tag any later request revives.
  if (!isTagged && outlived < lock.position) return false
  if (!hasWorked(context, writer, lock.position)) return false
  const { newestLock } = writer
  if (newestLock !== undefined && newestLock.position > lock.position) return false
  if ([...writer.locks].some((held) => held !== object)) return false
  // Where somebody unlocked it before, a newer one that may be its own may be gone as well.
  if (!lock.isStanding && mayHaveLockedUnseen(state, writer)) return false
  for (const [name, { position }] of state.locks) {
    if (name === object || position <= lock.position) continue
    if (possiblePosters(state, name).includes(writer.id)) return false
  }
  return true
}

/**
 * A run looks only when it has had the answer to its first lock, and deletes an older lock of its own only when it has had
 * the answer to the newer one.
 */
export function hasHadAnswer(
  { state, presence }: Context,
  { isAnswered, position }: Commit,
  owner: Writer | undefined,
  isTagged = false,
): boolean {
  if (isAnswered || owner === undefined) return isAnswered
  if (hasLookedFrom(owner, position)) return true
  for (const [older, { sender, arrivedAt, outlived }] of presence.unlockings.entries()) {
    if (sender.only !== owner.id || posterOf(state, older) !== owner.id) continue
    const lock = state.commits.get(older)
    if (lock === undefined || lock.isRepeated === true) continue
    const isLate = !isTagged && outlived < lock.position && !hasLookedFrom(owner, lock.position)
    const isDoubtful = isLate || presence.repeated.get(older) === true
    if (!isDoubtful && lock.position < position && position <= arrivedAt) return true
  }
  return false
}

/** The lock at this position gave it the view from which it looked: a run looks once it has had the answer. */
function hasLookedFrom({ view, hasSurelyLooked }: Writer, position: Position): boolean {
  return view === position && hasSurelyLooked
}

/**
 * It did something that a run does only once it has its lock: a backup that waits with `--retry-lock` posts a lock, meets
 * another's, deletes its own and tries again later.
 */
function hasWorked({ presence }: Context, writer: Writer, since: Position): boolean {
  if (writer.hasSurelyLooked || writer.hasPosted) return true
  for (const { sender } of presence.channels()) {
    if (sender?.only === writer.id && sender.current.workedAt >= since) return true
  }
  return presence.of(writer.id).workedAt >= since
}

/** Deletions of locks whose sender or owner has become known since. */
export function endUnlocked(context: Context): JournalEvent[] {
  const { state, presence } = context
  const events: JournalEvent[] = []
  for (const [object, proof] of presence.unlockings.entries()) {
    const { only } = proof.sender
    if (proof.isDecided === true) continue
    const writer = only === undefined ? undefined : state.writers.get(only)
    if (writer === undefined || posterOf(state, object) !== writer.id) continue
    proof.isDecided = true
    if (writer.ended !== undefined || !isEnding(context, object, writer, proof)) continue
    if (events.some((event) => event.kind === 'ended' && event.writer === writer.id)) continue
    events.push({ kind: 'ended', writer: writer.id, cause: 'unlocked' })
  }
  return events
}

/** Whether the answer to a lock has surely reached its owner. */
export function wasAnswered(context: Context, lock: ObjectName): boolean {
  const { state } = context
  const commit = state.commits.get(lock)
  const owner = state.writers.get(posterOf(state, lock) ?? ('' as WriterId))
  return commit !== undefined && hasHadAnswer(context, commit, owner)
}

/**
 * The deletion of a lock that comes first on its channel may have hung since a failed try of the lock; it ends its writer
 * only where the client is there still.
 */
export function endsUnproved(
  context: Context,
  { channel, follows }: Caller,
  object: ObjectName,
): boolean {
  if (typeOf(object) !== 'locks' || channel.isMixed) return false
  const commit = context.state.commits.get(object)
  if (commit === undefined || !wasAnswered(context, object)) return false
  // What came before on a line that a proxy hides was another's.
  if (channel.channel.isHidden) return true
  return Math.max(follows, channel.outlived) < commit.position
}

/** A client that has an idle connection opens no other: what comes first on another hung on one that it gave up. */
export function mayHaveHung(
  { state, presence, monotonic }: Context,
  { channel }: Caller,
  lock: ObjectName,
): boolean {
  const owner = posterOf(state, lock)
  if (owner === undefined) return false
  return presence.wasHeardElsewhere(owner, channel, monotonic - idleCloseMs)
}
