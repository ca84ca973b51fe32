/** Reads and grows a repository's journal: one order of events, decided on one state; a fault makes it useless. */
import { baseHash, readBase } from './base.js'
import { chainHash, emptyHead, follows } from './chain.js'
import { effectsOf } from '../state/effect.js'
import { parseEvent, type ItemId, type JournalEvent, type Position } from './event.js'
import type { Allowance } from '../state/item.js'
import type { RepositoryId } from '../object.js'
import {
  BackendError,
  type Clock,
  type JournalBase,
  type JournalHead,
  type JournalStore,
  type StoredRecord,
} from '../ports.js'
import { RepositoryState } from '../state/repository-state.js'

/** An event at its place. */
export interface Recorded {
  readonly position: Position
  readonly time: number
  readonly event: JournalEvent
}

const readRecordsMax = 2_000

export interface JournalOptions {
  readonly store: JournalStore
  readonly repository: RepositoryId
  readonly clock: Clock
  readonly allowance: Allowance
  /** Only what stands up to here is read; nothing can be recorded then. */
  readonly until?: Position
}

function isSealOf({ position, hash, text }: JournalBase, event: JournalEvent): boolean {
  if (event.kind !== 'sealed' || event.position !== position) return false
  return event.hash === hash && event.base === baseHash(text)
}

export class RepositoryJournal {
  readonly state: RepositoryState
  readonly #store: JournalStore
  readonly #repository: RepositoryId
  readonly #clock: Clock
  #head: JournalHead = emptyHead
  /** Applied already, and to be stored with the next transaction. */
  #deferred: { readonly record: StoredRecord; readonly hasEffects: boolean }[] = []
  /** The last record that is surely durable. */
  #durablePosition: Position = 0
  /** Resolves when all that was handed to the store is durable. */
  #durable: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  /** The newest record's running time is ahead of the clock's by so much, where a crash took the clock's last minute. */
  #aheadMs = 0

  private constructor(options: JournalOptions, base: JournalBase | undefined) {
    const { allowance } = options
    this.state = base ? readBase(base.text, allowance).state : new RepositoryState(allowance)
    if (base !== undefined) this.#head = { position: base.position, hash: base.hash }
    this.#store = options.store
    this.#repository = options.repository
    this.#clock = options.clock
  }

  /**
   * Reads the journal from its base on, proving its chain, and answers it with the events whose effects are still to be
   * carried out. Throws `corrupt` where a record does not follow on the one before, or the chain does not know the base,
   * `newer-state` for events it does not know.
   */
  static async load(
    options: JournalOptions,
  ): Promise<{ journal: RepositoryJournal; unsettled: Recorded[] }> {
    const { store, repository, until = Number.POSITIVE_INFINITY } = options
    const base = await store.base(repository)
    const journal = new RepositoryJournal(options, base)
    const open = new Set(await store.unsettled(repository))
    const unsettled: Recorded[] = []
    let isProved = base === undefined || options.until !== undefined
    for (;;) {
      const { position } = journal.#head
      const limit = Math.min(readRecordsMax, until - position)
      const records = limit > 0 ? await store.read(repository, position, limit) : []
      for (const record of records) {
        const recorded = journal.#replay(record)
        if (base !== undefined && isSealOf(base, recorded.event)) isProved = true
        if (open.has(recorded.position)) unsettled.push(recorded)
        else journal.state.settle(recorded.event, recorded.position)
      }
      if (records.length < limit || limit <= 0) break
    }
    if (!isProved) {
      const what = `the base of the journal of "${repository}" is not the one that was sealed`
      throw new BackendError('corrupt', what)
    }
    for (const note of await store.tries(repository)) {
      const item = journal.state.items.get(note.item as ItemId)
      if (item !== undefined) Object.assign(item, { tries: note.tries, lastTry: note.time })
    }
    journal.#durablePosition = journal.#head.position
    journal.#aheadMs = Math.max(0, journal.state.ran - options.clock.running())
    return { journal, unsettled }
  }

  get durablePosition(): Position {
    return this.#durablePosition
  }

  /** The running time as this journal counts it: never before that of a record. */
  get running(): number {
    return this.#clock.running() + this.#aheadMs
  }

  get head(): JournalHead {
    return this.#head
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /**
   * One transaction: `decide` sees the state with everything before it, and what it answers is recorded. Resolves once
   * the events are durable. After a failure nothing more is accepted, since the state then knows more than the store.
   */
  async transact<T extends { readonly events: readonly JournalEvent[] }>(
    decide: (state: RepositoryState) => T,
  ): Promise<{ answer: T; recorded: Recorded[] }> {
    if (this.#failure !== undefined) throw this.#failure
    const answer = decide(this.state)
    const recorded = answer.events.map((event) => this.#append(event))
    // Even a decision without events may rest on events of others that are not durable yet.
    await (recorded.length > 0 ? this.flush() : this.#durable)
    return { answer, recorded }
  }

  /** Applies events at once that may reach the store a little later; they carry no effects. */
  defer(events: readonly JournalEvent[]): void {
    for (const event of events) this.#append(event)
  }

  /** Makes all that was deferred durable. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const deferred = this.#deferred
    if (deferred.length > 0) {
      this.#deferred = []
      const records = deferred.map(({ record }) => record)
      const open = deferred.filter((one) => one.hasEffects)
      const unsettled = open.map(({ record }) => record.position)
      const appended = this.#store.append({ repository: this.#repository, records, unsettled })
      const { position } = this.#head
      this.#durable = Promise.all([this.#durable, appended]).then(() => {
        this.#durablePosition = position
      })
      this.#durable.catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error))
      })
    }
    await this.#durable
  }

  async settle(recorded: readonly Recorded[]): Promise<void> {
    for (const { event, position } of recorded) this.state.settle(event, position)
    const positions = recorded.map(({ position }) => position)
    await this.#store.settle(this.#repository, positions)
  }

  #append(event: JournalEvent): Recorded {
    const position = this.#head.position + 1
    const time = this.#clock.now()
    const ran = Math.floor(this.running)
    const body = JSON.stringify({ ...event, ran })
    const hash = chainHash(this.#head.hash, { position, time, body })
    this.#head = { position, hash }
    const record = { position, time, body, hash }
    this.#deferred.push({ record, hasEffects: effectsOf(event).length > 0 })
    this.state.apply(event, { position, time, ran })
    return { position, time, event }
  }

  /**
   * Records of before there were running times lie before all that has one. Where an older gateway has written again since,
   * what it wrote counts as of now: nothing may seem older than it is.
   */
  #ranOf({ ran }: JournalEvent): number {
    const newest = this.state.ran
    if (ran !== undefined || newest === 0) return ran ?? 0
    return Math.max(newest, this.#clock.running())
  }

  #replay(record: StoredRecord): Recorded {
    const { position, time } = record
    if (!follows(this.#head, record)) {
      const where = `record ${position} of the journal of "${this.#repository}"`
      throw new BackendError('corrupt', `${where} does not follow on the one before`)
    }
    const event = parseEvent(record.body)
    if (event === undefined) {
      throw new BackendError(
        'newer-state',
        `record ${position} was written by a newer Lockkeeper`,
      )
    }
    this.#head = { position, hash: record.hash }
    this.state.apply(event, { position, time, ran: this.#ranOf(event) })
    return { position, time, event }
  }
}
