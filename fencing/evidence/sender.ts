/** Keeps, for one process that sends requests, the writers that it may be: a set that evidence only ever shrinks. */
import type { SenderId, WriterId } from '../journal/event.js'

/**
 * A channel belongs to one process for its whole life, so it has one sender from its first request on. Channels that are
 * found to be one process's share a sender. Behind a proxy that hides channels each request has a sender of its own.
 */
export class Sender {
  /** The ids under which the journal has records of it: more than one where senders were joined. */
  readonly ids: SenderId[]
  #candidates: ReadonlySet<WriterId>
  /** Writers that had ended or exited a little before its first request, which may be a late copy of one of theirs. */
  #late: ReadonlySet<WriterId>
  #joined: Sender | undefined
  /** Something of its was deferred until patience ended: it waits no second time. */
  isOutOfPatience = false
  /** The journal's head when it last asked for an index, a snapshot or a pack. */
  workedAt = -1
  /** When it first asked for an index, a snapshot or a pack (monotonic milliseconds); infinity before. */
  contentAt = Number.POSITIVE_INFINITY
  /** It posted a lock. */
  hasLocked = false

  /** When its candidates were last noted as perhaps heard (monotonic milliseconds). */
  notedAt = Number.NEGATIVE_INFINITY

  constructor(id: SenderId, candidates: Iterable<WriterId>, late: Iterable<WriterId> = []) {
    this.ids = [id]
    this.#candidates = new Set(candidates)
    this.#late = new Set(late)
  }

  /** The sender that this one was joined with, else itself. */
  get current(): Sender {
    return this.#joined?.current ?? this
  }

  get id(): SenderId {
    const [id] = this.ids
    if (id === undefined) throw new Error('a sender has an id')
    return id
  }

  get candidates(): ReadonlySet<WriterId> {
    return this.#joined === undefined ? this.#candidates : this.current.candidates
  }

  /** The one writer that is left. */
  get only(): WriterId | undefined {
    const { current } = this
    if (current.#candidates.size !== 1 || current.#late.size > 0) return undefined
    const [only] = current.#candidates
    return only
  }

  /** The candidates, with the writers of whose requests this may be a late copy. */
  get all(): WriterId[] {
    const { current } = this
    return [...current.#candidates, ...current.#late]
  }

  /** Whether this may be a late copy of anybody's request. */
  get mayBeLate(): boolean {
    return this.current.#late.size > 0
  }

  /** Whether this may be a late copy of a request of that writer's, whose client had gone before. */
  mayBeLateCopyOf(writer: WriterId): boolean {
    return this.current.#late.has(writer)
  }

  mayBe(writer: WriterId): boolean {
    const { current } = this
    return current.#candidates.has(writer) || current.#late.has(writer)
  }

  /** A writer that had ended lives: what seemed its late copy is its request. */
  revive(writer: WriterId): void {
    const sender = this.current
    const late = new Set(sender.#late)
    if (!late.delete(writer)) return
    sender.#late = late
    sender.#candidates = new Set([...sender.#candidates, writer])
  }

  /**
   * True where the set became smaller. What would leave no writer is not believed: a client that does what restic does
   * not is known by its opening all the same.
   */
  narrow(remaining: (writer: WriterId) => boolean): boolean {
    const sender = this.current
    const left = [...sender.#candidates].filter(remaining)
    const late = [...sender.#late].filter(remaining)
    const isSame = left.length === sender.#candidates.size
    if (isSame && late.length === sender.#late.size) return false
    if (left.length === 0 && !isSame) return false
    sender.#late = new Set(late)
    sender.#candidates = new Set(left)
    return !isSame
  }

  /** Both are one process. */
  join(other: Sender): 'joined' | 'contradicted' {
    const [mine, its] = [this.current, other.current]
    if (mine === its) return 'joined'
    const all = [...mine.#candidates, ...mine.#late]
    const both = all.filter((one) => its.#candidates.has(one) || its.#late.has(one))
    if (both.length === 0) return 'contradicted'
    const isCandidate = (one: WriterId): boolean =>
      mine.#candidates.has(one) && its.#candidates.has(one)
    const late = both.filter((one) => !isCandidate(one))
    mine.#candidates = new Set(both.filter(isCandidate))
    mine.#late = new Set(late)
    mine.ids.push(...its.ids)
    mine.hasLocked ||= its.hasLocked
    mine.contentAt = Math.min(mine.contentAt, its.contentAt)
    mine.workedAt = Math.max(mine.workedAt, its.workedAt)
    mine.isOutOfPatience ||= its.isOutOfPatience
    its.#joined = mine
    return 'joined'
  }
}
