/** Judges what a client is told: I2 and I3, false alarms (I4 and I7), and successes that are only pretended. */
import { typeOf, type ObjectName } from '../../fencing/object.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import type { Judge } from './judge.js'
import type { Company } from './rightful.js'
import type { Disk } from './stores.js'
import type { Subject } from './subject.js'

const fences: ReadonlySet<string> = new Set(['stale', 'conflict', 'unseen', 'ambiguous'])

export interface Asked {
  readonly subject: Subject
  readonly object: ObjectName
  /** The journal's head when the request arrived. */
  readonly since: number
  /** How often the folder had been used past the gateway by then. */
  readonly takings: number
}

/** Answers beside whom it was deferred, if it was; `before` is who was there when the request arrived. */
export function judgeUpload(
  judge: Judge,
  disk: Disk,
  asked: Asked,
  outcome: Outcome,
  before: Company | undefined,
): Company | undefined {
  judgeUploadAnswer(judge, disk, asked, outcome, before)
  return deferredBeside(judge, asked, outcome, before)
}

function judgeUploadAnswer(
  judge: Judge,
  disk: Disk,
  asked: Asked,
  outcome: Outcome,
  before: Company | undefined,
): void {
  const { object, subject } = asked
  const stands = judge.standing.has(object)
  if (outcome.kind === 'done') {
    const stood = (judge.standing.get(object) ?? Infinity) <= asked.since
    if (stood) judge.reached.add('rule 9: the same bytes again')
    const isThere = stands && disk.objects.has(object)
    // Taken past the gateway while the answer was on its way: it was there when it was published.
    if (judge.publications.isTakenSince(object, asked.takings)) return
    if (!isThere && (judge.deletedAt.get(object) ?? -1) <= asked.since) {
      judge.blame(`I2: ${subject.name} was told "ok" for ${object}, which is not there`)
    }
    return
  }
  note(judge, outcome.reason)
  if (!fences.has(outcome.reason)) return
  judgeFence(judge, asked, outcome.reason, before)
  if (judge.released.has(object)) return
  // A copy that came beside it was committed: on another line, where one more writer may have sent it.
  if (stands && judge.committedBesideACopy.has(object)) return
  if (stands)
    judge.blame(`I3: ${subject.name} was told "${outcome.reason}" for ${object}, which stands`)
  const kept = judge.items.get(object)
  if (kept === undefined && judge.discarded.has(object)) return
  if (kept === undefined) {
    judge.blame(`I3: no item was kept of the refused ${object}`)
  } else if (kept.isKept && disk.held.quarantine.get(kept.item) === undefined) {
    judge.blame(`I3: the bytes of the refused ${object} are not in quarantine`)
  }
}

export function judgeDeletion(
  judge: Judge,
  disk: Disk,
  asked: Asked,
  outcome: Outcome,
  before: Company | undefined,
): Company | undefined {
  judgeDeletionAnswer(judge, disk, asked, outcome, before)
  return deferredBeside(judge, asked, outcome, before)
}

function judgeDeletionAnswer(
  judge: Judge,
  disk: Disk,
  asked: Asked,
  outcome: Outcome,
  before: Company | undefined,
): void {
  const { object, subject, since } = asked
  if (outcome.kind === 'done') {
    const hasEvent = (positions: ReadonlyMap<ObjectName, number>): boolean => {
      return (positions.get(object) ?? -1) > since
    }
    const isGone = !judge.standing.has(object) || (judge.standing.get(object) ?? 0) > since
    if (judge.isBeyondLimits) return
    if (!isGone && !hasEvent(judge.retractedAt) && !hasEvent(judge.deletedAt)) {
      judge.blame(`I2: ${subject.name} was told that ${object} is deleted, and it stands`)
    }
    return
  }
  note(judge, outcome.reason)
  if (fences.has(outcome.reason)) judgeFence(judge, asked, outcome.reason, before)
}

function deferredBeside(
  judge: Judge,
  { subject, object }: Asked,
  outcome: Outcome,
  before: Company | undefined,
): Company | undefined {
  if (outcome.kind === 'done' || outcome.reason !== 'knocked') return undefined
  subject.knocks += 1
  return judge.rightful?.deferred(subject, object, before) ?? 'overtaken'
}

/** I4: only who was overtaken is told so; the rest are false alarms, which are counted, and some are not allowed. */
function judgeFence(
  judge: Judge,
  asked: Asked,
  reason: string,
  before: Company | undefined,
): void {
  const { subject, object } = asked
  // Who lets its lock go has had all its answers: what is refused now is a late copy, and nobody hears of it.
  if (judge.isBeyondLimits || subject.isGivenUp || subject.isUnlocking || subject.isOver) return
  judge.rightful?.refused(subject, object, reason, before)
  const { openedAt } = subject
  // Whose opening's answer was lost has two writers, and so is never exact.
  const isExact = subject.isExact && subject.writers.size === 1
  if (openedAt === undefined) return
  const since = isExact ? (subject.lockedAt ?? openedAt) : openedAt
  const isOvertaken = judge.isOvertaken(subject, since)
  const beside =
    isExact && subject.lockedAt !== undefined ? subject.lockedBeside : subject.openedBeside
  const isForestalled =
    judge.isForestalled(subject, since, true) ||
    (beside !== undefined && judge.isPublishedBeside(subject, beside))
  const isRight =
    isOvertaken || subject.rightful > 0 || (reason === 'conflict' && isForestalled)
  if (isRight) {
    subject.rightful += 1
    return
  }
  subject.falseAlarms.push(`${reason} for ${typeOf(object)}`)
  // Among candidates that are all fenced, one that was refused before is told what another one is told.
  const isToldOther = reason === 'stale' && subject.isBroken
  // A late copy of its opening made it two writers, one of which has overtaken the other.
  const isItsOwnTwin = subject.writers.size > 1 && judge.hasMaintained(subject, since)
  const isBelated = [...subject.writers].some((id) => judge.belated.has(id))
  const isExplained = reason === 'stale' && (isToldOther || isItsOwnTwin || isBelated)
  if ((reason === 'stale' && !isExplained) || reason === 'unseen' || (isExact && !isBelated)) {
    judge.blame(
      `I4: nothing overtook ${subject.name}, which was told "${reason}" for ${object}`,
    )
  }
}

function note(judge: Judge, reason: string): void {
  judge.reached.add(`told: ${reason}`)
}
