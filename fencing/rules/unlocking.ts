/** Knows what the deletion of a lock proves: whose channel it came on, and whether a writer has ended (rules 2 and 6). */
import { attribute, authorOf, boundWriter, candidatesOf } from '../evidence/attribution.js'
import { done, type Decision } from './decision.js'
import type { Author, JournalEvent } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import { refuse, type Attempt } from './refusing.js'
import type { Deletion } from './deleting.js'
import { sureAuthor, type Caller, type Scene } from './scene.js'
import { fenceOf, type Writer } from '../state/writer.js'

export function decideUnlocking(scene: Scene, caller: Caller, deletion: Deletion): Decision {
  const { state, presence } = scene
  const { object } = deletion
  const owner = state.writers.get(state.lockOwners.get(object) ?? ('' as never))
  if (isUnlockOfOthers(scene, caller, object)) presence.share(caller.channel)
  const bindings = owner === undefined ? [] : bindByLock(scene, caller, object, owner)
  const sender = senderOf(scene, caller, owner)
  if (!deletion.isPresent) {
    presence.tookBack(object, caller.arrivedAt)
    return { ...done, events: bindings }
  }
  const adopted = sender === undefined ? [] : adoptLock(scene, caller, object, sender)
  const isOwn = sender !== undefined && (owner?.id === sender.id || adopted.length > 0)
  const mayBeIts = isOwn || mayOwn(scene, object, sender)
  if (sender !== undefined && !mayBeIts && fenceOf(sender, state.runs) !== undefined) {
    const attempt: Attempt = { verb: 'deletion', object, size: 0 }
    const fence = fenceOf(sender, state.runs) ?? ({ reason: 'stale' } as const)
    return refuse(scene, caller, attempt, { writer: sender, candidates: [sender] }, fence)
  }
  const author: Author = sender
    ? sureAuthor(sender.id)
    : authorOf(attribute(scene, caller, { mustHaveLooked: false }))
  const ends = sender !== undefined && isOwn && isEnding(scene, caller, object, sender)
  presence.lockGone(object)
  const deleted: JournalEvent = { kind: 'deleted', object, author, cause: 'request' }
  const ended: JournalEvent[] = ends
    ? [{ kind: 'ended', writer: sender.id, cause: 'unlocked' }]
    : []
  return {
    verdict: { kind: 'commit' },
    events: [...bindings, ...adopted, deleted, ...ended],
  }
}

/** A channel that a lock's deletion alone says the owner of, and that deletes somebody else's too, is an `unlock`. */
function isUnlockOfOthers({ state }: Scene, caller: Caller, object: ObjectName): boolean {
  const { binding } = caller.channel
  if (binding?.by !== 'lock' || binding.isProof) return false
  const owner = state.lockOwners.get(object)
  if (owner !== undefined) return owner !== binding.writer
  return state.locks.get(object)?.candidates.includes(binding.writer) === false
}

function senderOf(scene: Scene, caller: Caller, owner: Writer | undefined): Writer | undefined {
  const bound = boundWriter(scene, caller)
  if (bound !== undefined) return bound
  const attribution = attribute(scene, caller, { mustHaveLooked: false })
  if (attribution.by === 'tag') return attribution.writer
  // On a hidden channel nothing binds; that the owner may be its sender is enough to let its lock go.
  return owner !== undefined && attribution.writer?.id === owner.id ? owner : undefined
}

/** A DELETE of a known lock binds its channel to that lock's writer, and gives it the lock posted just before there. */
function bindByLock(
  scene: Scene,
  caller: Caller,
  object: ObjectName,
  owner: Writer,
): JournalEvent[] {
  const { channel } = caller
  const isFree = channel.binding === undefined && !channel.isShared && !channel.channel.isHidden
  if (!isFree || owner.ended !== undefined) return []
  const candidates = candidatesOf(scene, caller)
  if (!candidates.includes(owner)) return []
  const isProof = candidates.every((writer) => writer === owner || writer.hasLocked)
  scene.presence.bind(channel, { writer: owner.id, by: 'lock', isProof })
  scene.presence.heard(owner.id, scene.monotonic)
  const { lastLock } = channel
  delete channel.lastLock
  if (lastLock === undefined || lastLock === object) return []
  const lock = scene.state.locks.get(lastLock)
  const mayBeIts = lock?.owner === undefined && lock?.candidates.includes(owner.id) === true
  return mayBeIts ? [{ kind: 'owned', lock: lastLock, writer: owner.id }] : []
}

/**
 * A lock without an owner belongs to the writer that deletes it on its own channel, if that one has locked. A channel
 * that only a lock's deletion says the owner of may be that of an `unlock`, which deletes everybody's.
 */
function adoptLock(
  scene: Scene,
  caller: Caller,
  object: ObjectName,
  sender: Writer,
): JournalEvent[] {
  if (!sender.hasLocked || !mayOwn(scene, object, sender)) return []
  const { binding } = caller.channel
  const isProved = binding?.by === 'opening' || binding?.isProof === true
  const isOnOwn = (isProved && binding.writer === sender.id) || caller.tag !== undefined
  return isOnOwn ? [{ kind: 'owned', lock: object, writer: sender.id }] : []
}

function mayOwn({ state }: Scene, object: ObjectName, sender: Writer | undefined): boolean {
  const lock = state.locks.get(object)
  if (lock === undefined || lock.owner !== undefined || sender === undefined) return false
  return lock.candidates.includes(sender.id)
}

/**
 * A living writer that is taken for ended costs a repository, so the ending is proved: on a channel of its own where it
 * worked, and asked for something since, it deletes the newest lock it posted, whose answer it surely had,
 * it holds no other, and no lock that may be its was posted since without finding an owner.
 */
function isEnding(scene: Scene, caller: Caller, object: ObjectName, sender: Writer): boolean {
  const { state, presence } = scene
  const by = workedBy(scene, caller, sender)
  if (by === undefined) return false
  const lock = state.locks.get(object)
  if (lock === undefined || !lock.isAnswered) return false
  // What takes back a try that failed may come late, after a later try of the same lock was answered.
  if (presence.repeated.get(object) === true) return false
  // What was sent after another request on this channel was sent later; else it may have hung since a failed try. Under
  // a tag any later request revives.
  if (by === 'channel' && caller.follows < lock.position) return false
  const newest = sender.newestLock
  // A lock that finds its owner by this very deletion counts as its newest if it was posted later.
  if (newest !== undefined && newest.object !== object && newest.position > lock.position) {
    return false
  }
  if ([...sender.locks].some((held) => held !== object)) return false
  for (const [name, other] of state.locks) {
    if (name === object || other.owner !== undefined || other.position <= lock.position)
      continue
    if (other.candidates.includes(sender.id)) return false
  }
  return true
}

/** How it is known that this is a channel of its own, and that it listed, uploaded or deleted something else there. */
function workedBy(scene: Scene, caller: Caller, sender: Writer): 'tag' | 'channel' | undefined {
  // A tag without a second living writer is exact: all its channels are the writer's own.
  const { by } = attribute(scene, caller, { mustHaveLooked: false })
  if (by === 'tag') return sender.hasSurelyLooked || sender.hasPosted ? 'tag' : undefined
  const { binding, hasWorked } = caller.channel
  if (binding?.writer !== sender.id || !hasWorked) return undefined
  return binding.by === 'opening' || binding.isProof ? 'channel' : undefined
}
