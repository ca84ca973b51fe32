/** Knows what becomes of an upload once its bytes have been received: the only binding decision. */
import { areAllFenced, attribute, authorOf, type Attribution } from '../evidence/attribution.js'
import { done, plain, type Decision } from './decision.js'
import type { JournalEvent } from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import { areAllAwake, areAllCurrent, knock, refuse, type Attempt } from './refusing.js'
import type { Caller, Scene } from './scene.js'
import { fenceOf, type Fence } from '../state/writer.js'

export interface Upload {
  readonly object: ObjectName
  /** Bytes. */
  readonly size: number
  readonly staged: string
  /** What stands under this name, by the journal and the store. */
  readonly present: 'absent' | 'same' | 'different'
}

export function decideUpload(scene: Scene, caller: Caller, upload: Upload): Decision {
  // Rule 9, before any other check: names are content hashes, so the same bytes are already where they should be.
  if (upload.present === 'same') return done
  if (upload.present === 'different') return plain('exists')
  const attempt: Attempt = { verb: 'upload', ...upload }
  switch (typeOf(upload.object)) {
    case 'locks':
      return decideLock(scene, caller, attempt)
    case 'index':
    case 'snapshots':
      return decideNaming(scene, caller, attempt)
    case 'data':
    case 'keys':
    case 'config':
      return decideHarmless(scene, caller, attempt)
  }
}

/** A pack is harmless while nothing names it, and so is a key: committed whoever sent it, unless nobody may. */
function decideHarmless(scene: Scene, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(scene, caller, {
    uploaded: attempt.object,
    mustHaveLooked: false,
  })
  notePoster(scene, attempt, attribution)
  const fence = commonFence(scene, attribution)
  if (fence !== undefined) return refuse(scene, caller, attempt, attribution, fence)
  return commit(scene, caller, attempt, attribution)
}

/** An index or a snapshot names what must be there: only a writer that nothing overtook may commit it. */
function decideNaming(scene: Scene, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(scene, caller, {
    uploaded: attempt.object,
    mustHaveLooked: true,
  })
  notePoster(scene, attempt, attribution)
  const { candidates } = attribution
  if (candidates.length === 0) {
    return refuse(scene, caller, attempt, attribution, { reason: 'unseen' })
  }
  const fence = commonFence(scene, attribution)
  if (fence !== undefined) return refuse(scene, caller, attempt, attribution, fence)
  if (attribution.writer !== undefined || areAllAwake(scene, candidates)) {
    return commit(scene, caller, attempt, attribution)
  }
  const tried = scene.presence.tried(attempt.object, scene.monotonic)
  if (tried !== 'exhausted') {
    return knock(scene, caller, attempt, attribution, tried === 'first')
  }
  return areAllCurrent(scene, candidates)
    ? commit(scene, caller, attempt, attribution)
    : refuse(scene, caller, attempt, attribution, { reason: 'ambiguous' })
}

/**
 * Rules 1 and 2: a lock is never refused for being ambiguous. It takes its writer's view again while that one has not
 * looked; after the look it moves nothing, so that a sleeper cannot launder itself by posting a new lock.
 */
function decideLock(scene: Scene, caller: Caller, attempt: Attempt): Decision {
  const attribution = attribute(scene, caller, {
    uploaded: attempt.object,
    mustHaveLooked: false,
  })
  notePoster(scene, attempt, attribution)
  const { writer, candidates } = attribution
  // Who has not looked is made fresh by this very lock.
  const haveLooked = candidates.length > 0 && candidates.every((one) => one.hasLooked)
  const fence = haveLooked ? commonFence(scene, attribution) : undefined
  if (fence !== undefined) return refuse(scene, caller, attempt, attribution, fence)
  scene.presence.lockPosted(attempt.object, scene.monotonic)
  if (scene.state.lockOwners.has(attempt.object)) {
    scene.presence.repeated.set(attempt.object, true)
  }
  if (writer === undefined) caller.channel.lastLock = attempt.object
  const takesView = writer?.hasLooked === false && !writer.isBroken
  return commit(scene, caller, attempt, attribution, takesView)
}

/** The fence that stands whoever of the candidates it is. */
export function commonFence(scene: Scene, attribution: Attribution): Fence | undefined {
  const { writer, candidates } = attribution
  if (writer === undefined && !areAllFenced(scene, candidates)) return undefined
  const one = writer ?? candidates[0]
  return one === undefined ? undefined : fenceOf(one, scene.state.runs)
}

function notePoster(scene: Scene, attempt: Attempt, attribution: Attribution): void {
  if (attribution.writer !== undefined) {
    scene.presence.posters.set(attempt.object, attribution.writer.id)
  }
}

export function commit(
  scene: Scene,
  caller: Caller,
  attempt: Attempt,
  attribution: Attribution,
  takesView = false,
): Decision {
  const { state, presence } = scene
  presence.settled(attempt.object)
  if (typeOf(attempt.object) !== 'locks') caller.channel.hasWorked = true
  const resolves = state.openItems.get(attempt.object)
  const committed: JournalEvent = {
    kind: 'committed',
    object: attempt.object,
    size: attempt.size,
    author: authorOf(attribution),
    staged: attempt.staged ?? '',
    ...(takesView ? { view: state.commitView } : {}),
    ...(resolves === undefined ? {} : { resolves }),
    ...(presence.repeated.get(attempt.object) === true ? { isRepeated: true } : {}),
  }
  return { verdict: { kind: 'commit' }, events: [committed] }
}
