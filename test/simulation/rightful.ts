/**
 * Judges I7 in a gentle network, since it knows the true processes: a run beside which nothing is at stake hears no 503
 * and is not refused, beside a maintenance it waits for seconds, and a run that is over soon stands no more.
 */
import type { ObjectName } from '../../fencing/object.js'
import type { Gateway } from './gateway.js'
import type { Judge } from './judge.js'
import type { Subject } from './subject.js'
import type { Time } from './time.js'
import { repository } from './stores.js'

/**
 * Who else its requests may be those of. calm: nobody, or only runs that nothing overtook and that listed no `data/`.
 * maintenance: one of them listed it, or wrote without ever locking, or it did itself. overtaken: one of them was overtaken or refused, or died in a
 * maintenance, and never ended.
 */
export type Company = 'calm' | 'maintenance' | 'overtaken'
const companies: readonly Company[] = ['calm', 'maintenance', 'overtaken']

export const wrongKinds = ['deferred', 'refused', 'waited', 'not ended'] as const
export type WrongKind = (typeof wrongKinds)[number]

export interface Wrong {
  readonly kind: WrongKind
  readonly subject: Subject
  readonly what: string
}

const seconds = 1000
const minutes = 60 * seconds
const waitBesideMaintenanceMaxMs = 60 * seconds
/** Whoever has idled until its connections were closed may have to wait until its next lock says who it is. */
const waitAfterIdlingMaxMs = 5 * minutes + waitBesideMaintenanceMaxMs
/** A minute, and the gateway looks four times in each. */
const endedWithinMs = 75 * seconds
/** Who looked without a lock is taken for gone ten minutes after it closed everything. */
const lookerEndedWithinMs = 10 * minutes + endedWithinMs

export interface RightfulOptions {
  readonly judge: Judge
  readonly time: Time
  readonly gateway: Gateway
  /** Behind a proxy that hides connections the rates are counted only. */
  readonly isJudging: boolean
  /** What breaks I7 fails the history; else it is counted, and judged by its share (tally.ts). */
  readonly isStrict: boolean
}

export class Rightful {
  readonly wrongs: Wrong[] = []
  readonly #options: RightfulOptions
  readonly #subjects: Subject[] = []
  /** Those that are over and may stand on, since nothing proves their end. */
  readonly #unproved = new Set<Subject>()

  constructor(options: RightfulOptions) {
    this.#options = options
  }

  began(subject: Subject): void {
    this.#subjects.push(subject)
  }

  companyOf(subject: Subject): Company {
    let company: Company = 'calm'
    for (const other of this.#subjects) {
      if (other === subject || !this.#mayBeTakenFor(other, subject)) continue
      if (this.#isOvertaken(other) || (other.isDead && other.hasListedData)) return 'overtaken'
      const mayMaintain = other.hasListedData || leavesNoProof(other)
      if (mayMaintain || subject.hasListedData) company = 'maintenance'
    }
    return company
  }

  /** Answers beside whom, from the arrival of the request to its answer. */
  deferred(subject: Subject, object: ObjectName, before: Company = 'calm'): Company {
    const company = worse(before, this.companyOf(subject))
    if (company === 'calm') this.#blame('deferred', subject, `heard a 503 for ${object}`)
    return company
  }

  /** `beside`: the worst company it had while its request was tried again and again. */
  waited(subject: Subject, beside: Company, ms: number): void {
    const most = subject.hasLostConnections ? waitAfterIdlingMaxMs : waitBesideMaintenanceMaxMs
    if (beside !== 'maintenance' || ms <= most) return
    this.#blame('waited', subject, `waited ${Math.round(ms / seconds)} s beside a maintenance`)
  }

  refused(
    subject: Subject,
    object: ObjectName,
    reason: string,
    before: Company = 'calm',
  ): void {
    if (this.#isForestalled(subject) && reason !== 'stale') return
    const company = worse(before, this.companyOf(subject))
    // "stale" is said where whoever may have sent it is overtaken or refused.
    if ((reason === 'ambiguous' || reason === 'stale') && company === 'overtaken') return
    this.#blame('refused', subject, `was told "${reason}" for ${object}`)
  }

  /** To be called when a process has exited by itself. */
  finished(subject: Subject): void {
    if (this.#isUnproved(subject)) {
      this.#unproved.add(subject)
      return
    }
    this.#options.time.after(endingMs(subject), () => void this.#requireEnded(subject))
  }

  /** Nothing tells the deletion of its lock from that of an `unlock`, for which another run may be taken just then. */
  #mayHaveBeenUnlocked(subject: Subject): boolean {
    return (
      subject.hasUnlockedAfresh &&
      this.#subjects.some((other) => {
        const hasOnlyListed = !other.hasLocked && other.lookedAt === undefined
        return other !== subject && hasOnlyListed && this.#mayBeTakenFor(other, subject)
      })
    )
  }

  /** What comes after all its connections have closed while it idled is not told from what one that says no more may do. */
  #isUnproved(subject: Subject): boolean {
    if (leavesNoProof(subject) || this.#mayHaveBeenUnlocked(subject)) return true
    if (!subject.hasLostConnections) return false
    // A looker without a lock may live, as far as anybody can see.
    if (endingMs(subject) > endedWithinMs) return true
    return this.#subjects.some((other) => {
      const isSilent = other.isDead || leavesNoProof(other) || this.#unproved.has(other)
      return other !== subject && isSilent && this.#mayBeTakenFor(other, subject)
    })
  }

  async #requireEnded(subject: Subject): Promise<void> {
    const { run } = this.#options.gateway
    if (this.#options.judge.violation !== undefined || run === undefined) return
    // The gateway looks every few seconds, whether or not a request arrives.
    await run.fences.tick()
    const living = (await run.fences.of(repository))?.livingWriters() ?? []
    const left = living.find(({ id }) => subject.writers.has(id))
    if (left === undefined) return
    const ms = this.#options.time.now - subject.overAt
    const since = `${Math.round(ms / seconds)} s`
    this.#blame('not ended', subject, `was over for ${since}, and ${left.id} was living`)
  }

  /** Not gone for so long that the gateway must know it, and of the same user and tag. */
  #mayBeTakenFor(other: Subject, subject: Subject): boolean {
    if (other.identity !== subject.identity || other.openedAt === undefined) return false
    if (!other.isOver || other.isDead || leavesNoProof(other)) return true
    if (this.#unproved.has(other)) return true
    return this.#options.time.now - other.overAt <= endingMs(other)
  }

  #isOvertaken(subject: Subject): boolean {
    if (subject.isBroken || subject.rightful > 0) return true
    const since = subject.lockedAt ?? subject.openedAt
    return since !== undefined && this.#options.judge.isOvertaken(subject, since)
  }

  #isForestalled(subject: Subject): boolean {
    const { judge } = this.#options
    const since = subject.lockedAt ?? subject.openedAt
    const beside = subject.lockedBeside ?? subject.openedBeside
    return (
      since === undefined ||
      judge.isForestalled(subject, since, true) ||
      (beside !== undefined && judge.isPublishedBeside(subject, beside))
    )
  }

  #blame(kind: WrongKind, subject: Subject, what: string): void {
    const { judge, isJudging, isStrict } = this.#options
    if (!isJudging || judge.isBeyondLimits || this.#isOvertaken(subject)) return
    this.wrongs.push({ kind, subject, what })
    if (isStrict) judge.blame(`I7 (${kind}): ${subject.name} ${what}`)
  }
}

/** One request's tries, from the first 503 to the final answer. */
export class Deferral {
  #since: number | undefined
  #beside: Company = 'calm'

  add(beside: Company, now: number): void {
    this.#since ??= now
    this.#beside = worse(this.#beside, beside)
  }

  end(subject: Subject, rightful: Rightful | undefined, now: number): void {
    if (this.#since === undefined) return
    const ms = now - this.#since
    subject.longestMs = Math.max(subject.longestMs, ms)
    rightful?.waited(subject, this.#beside, ms)
  }
}

/** Who wrote without ever locking may go on at any time, as far as anybody can see. */
function leavesNoProof(subject: Subject): boolean {
  return subject.writes > 0 && !subject.hasLocked
}

function endingMs(subject: Subject): number {
  const isLooker = subject.lookedAt !== undefined && !subject.hasLocked
  return isLooker || subject.hasOpenedAgain ? lookerEndedWithinMs : endedWithinMs
}

function worse(one: Company, other: Company): Company {
  return companies.indexOf(one) > companies.indexOf(other) ? one : other
}
