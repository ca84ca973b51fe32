/** The core's one face to the gate: every question about a repository, decided on its journal and recorded in it. */
import type { Archive } from './journal/archive.js'
import { arrive } from './evidence/arriving.js'
import { areAllFenced, attribute } from './evidence/attribution.js'
import { digestOfHearings, hear, notesOf, recall } from './evidence/hearing.js'
import { hangUpMs, mayBeLate } from './evidence/late-copy.js'
import { Learning } from './evidence/learning.js'
import { noteBirth } from './evidence/opening.js'
import { outlivedBy } from './evidence/outliving.js'
import { Presence, type Channel } from './evidence/presence.js'
import { senderOf, type Stranger } from './evidence/starting.js'
import {
  generationAfter,
  type ItemId,
  type JournalEvent,
  type Position,
  type ReadProof,
  type Verb,
  type WriterId,
} from './journal/event.js'
import { RepositoryJournal, type Recorded } from './journal/journal.js'
import { seal } from './journal/sealing.js'
import {
  typeOf,
  type ListedType,
  type ObjectName,
  type ObjectType,
  type RepositoryId,
} from './object.js'
import type { Clock, JournalArchives, JournalStore, Random } from './ports.js'
import { type Caller, type Context, type Settings } from './rules/context.js'
import type { Decision } from './rules/decision.js'
import { decideDeletion, type Deletion } from './rules/deleting.js'
import { end, endGone } from './rules/ending.js'
import { isHidden, look } from './rules/looking.js'
import { letThrough } from './rules/observing.js'
import { open, type View } from './rules/opening.js'
import { compareIndexes, indexesSettledAt, vanish } from './rules/outside.js'
import { refuse } from './rules/refusing.js'
import { decideUnlocking, endsUnproved, mayHaveHung, wasAnswered } from './rules/unlocking.js'
import { commonFence, decideUpload, type Upload } from './rules/uploading.js'
import { isOpen, type Allowance, type Item } from './state/item.js'
import { posterOf, type RepositoryState } from './state/repository-state.js'
import { fenceOf, type Writer } from './state/writer.js'

/** What a door tells of a request. */
export type Told = Omit<Stranger, 'channel' | 'follows' | 'arrivedAt'>

export interface FenceOptions {
  readonly repository: RepositoryId
  readonly store: JournalStore
  readonly clock: Clock
  readonly random: Random
  readonly settings: Settings
  readonly allowance: Allowance
  /** What this run has heard, where the fence is loaded again after a fault. */
  readonly presence?: Presence
}

/** An author that becomes known later than this is told by the operator, not by the gateway. */
const provenWithinMs = 20 * 60_000

/** Under steady writes a comparison is left for later. */
const comparingTriesMax = 3

export interface Decided {
  readonly decision: Decision
  readonly recorded: readonly Recorded[]
}

export interface Standing {
  readonly locks: readonly ObjectName[]
  readonly indexes: readonly ObjectName[]
}

/** What was listed when it could not be recorded, and by whom it may have been; by any writer alive without `writers`. */
export interface MissedLook {
  readonly listing: ListedType
  readonly writers?: ReadonlySet<WriterId>
}

/** A process that began when it could not be recorded; its channel, where it is still open. */
export interface Belated {
  readonly channel: Channel | undefined
  readonly told: Told
  readonly view: View
  /** Monotonic milliseconds. */
  readonly bornAt: number
  /** When its channel was closed by the client itself, as at an exit. */
  readonly exitedAt?: number
}

export class RepositoryFence {
  readonly repository: RepositoryId
  readonly presence: Presence
  readonly #options: FenceOptions
  readonly #learning = new Learning({
    context: () => this.#context(),
    defer: (events) => this.#journal.defer(events),
  })
  #journal: RepositoryJournal
  #isSealing = false
  #heardNoted = ''
  #watchers = new Set<() => void>()

  private constructor(options: FenceOptions, journal: RepositoryJournal) {
    this.repository = options.repository
    this.#options = options
    this.#journal = journal
    this.presence = options.presence ?? new Presence(options.clock.monotonic())
  }

  /** Reads the journal; answers the events whose effects must be carried out before anything else is asked. */
  static async load(
    options: FenceOptions,
  ): Promise<{ fence: RepositoryFence; unsettled: Recorded[] }> {
    const { journal, unsettled } = await RepositoryJournal.load(options)
    const fence = new RepositoryFence(options, journal)
    if (options.presence === undefined) {
      recall(fence.#context(), await options.store.heard(options.repository))
    }
    fence.#heardNoted = digestOfHearings(fence.#context())
    return { fence, unsettled }
  }

  /** Nothing is protected: what would be refused is noted and carried out. */
  get isObserving(): boolean {
    return this.#options.settings.isObserving
  }

  get state(): RepositoryState {
    return this.#journal.state
  }

  /** The fault that made this fence useless, if one did: it must be loaded again. */
  get failure(): Error | undefined {
    return this.#journal.failure
  }

  get durablePosition(): Position {
    return this.#journal.durablePosition
  }

  get head(): RepositoryJournal['head'] {
    return this.#journal.head
  }

  caller(channel: Channel, told: Told): Caller {
    const state = this.presence.channel(channel, this.#options.clock.monotonic())
    const stranger = {
      ...told,
      channel: state,
      follows: state.lastRequestPosition,
      arrivedAt: this.state.position,
    }
    return { ...stranger, sender: senderOf(this.#context(), stranger) }
  }

  /** To be called for every request, before anything else is asked for it. */
  arrive(caller: Caller): void {
    const context = this.#context()
    this.#learning.arrived(caller)
    this.#journal.defer(arrive(context, caller))
    hear(context, caller)
  }

  /** One object is read that is no lock. */
  read(caller: Caller, type: ObjectType): void {
    this.#learning.asked(caller, type)
  }

  /** A lock is read. False where it stays unknown whose channel this is, though it is one that could tell. */
  readLock(caller: Caller, lock: ObjectName): boolean {
    this.#learning.lockRead(caller, lock)
    const { channel, sender } = caller
    return sender.only !== undefined || channel.isMixed || channel.channel.isHidden
  }

  /** The repository comes under this gateway as it stands. Only the first call does anything. */
  async adopt(standing: Standing): Promise<void> {
    if (this.state.isAdopted) return
    await this.#record(() => [{ kind: 'adopted', ...standing }])
  }

  /**
   * Compares the indexes that a listing finds with the journal's, in a moment in which no index changes. False where
   * there was no such moment: to be asked again soon.
   */
  async compare(list: () => Promise<readonly ObjectName[]>): Promise<boolean> {
    for (let tries = 0; tries < comparingTriesMax; tries += 1) {
      const settledAt = indexesSettledAt(this.state)
      if (settledAt === undefined) return false
      const standing = await list()
      const { answer } = await this.#journal.transact((state) => {
        const isSteady = indexesSettledAt(state) === settledAt
        return { isSteady, events: isSteady ? compareIndexes(state, standing) : [] }
      })
      if (answer.isSteady) return true
    }
    return false
  }

  async open(caller: Caller): Promise<WriterId> {
    const context = this.#context()
    const { answer } = await this.#journal.transact(() => {
      const { writer, events } = open(context, caller)
      return { writer, events: signed(events, caller) }
    })
    noteBirth(this.#context(), caller, answer.writer)
    return answer.writer
  }

  /** All that a process can have seen which begins now and is recorded later. */
  get durableView(): View {
    const { commitView, packView } = this.state
    const { durablePosition } = this.#journal
    return {
      commitView: Math.min(commitView, durablePosition),
      packView: Math.min(packView, durablePosition),
    }
  }

  /** Records what was served when it could not be recorded. */
  async makeUp(belated: readonly Belated[], missed: MissedLook | undefined): Promise<void> {
    const { answer } = await this.#journal.transact((state) => {
      const openings = belated.map(({ told, view }) => {
        const { writer, events } = open(this.#context(), told, view)
        return { writer, events: signed(events, told) }
      })
      const born = openings.map(({ writer }) => writer)
      const living = state.living().map(({ id }) => id)
      const may = living.filter((id) => missed?.writers?.has(id) ?? true)
      const looked = missed === undefined ? [] : lookedUnseen([...may, ...born], missed)
      return { born, events: [...openings.flatMap(({ events }) => events), ...looked] }
    })
    for (const [at, { channel, told, bornAt: monotonic, exitedAt }] of belated.entries()) {
      const writer = answer.born[at]
      if (writer === undefined) continue
      if (channel === undefined) {
        this.presence.born(writer, monotonic)
        const born = this.presence.of(writer)
        if (exitedAt === undefined) born.mayLive = true
        else born.exitedAt = exitedAt
      } else {
        const caller = this.caller(channel, told)
        noteBirth({ ...this.#context(), monotonic }, caller, writer)
      }
    }
  }

  /** The writers that a channel may be of, where it has been heard before. */
  knownCandidates(channelId: string): ReadonlySet<WriterId> | undefined {
    for (const { channel, sender } of this.presence.channels()) {
      if (channel.id === channelId) return sender?.current.candidates
    }
    return undefined
  }

  async look(caller: Caller, type: ListedType): Promise<void> {
    if (type === 'locks') {
      for (const id of caller.sender.candidates) this.presence.of(id).lockListsMax += 1
    } else this.#learning.listed(caller, type)
    this.presence.senders.set(caller.sender.id, caller.sender)
    await this.#record(() => look(this.#context(), caller, type))
  }

  /** Whether the caller is not shown this object. */
  isHidden(caller: Caller, object: ObjectName): boolean {
    return isHidden(this.#context(), caller, object)
  }

  /** A look on admission, which binds nothing: an upload that is surely refused and kept already need not be staged. */
  isKeptAlready(caller: Caller, object: ObjectName): boolean {
    const item = this.state.items.get(this.state.openItems.get(object) ?? ('' as ItemId))
    if (item?.state !== 'quarantined' || this.#options.settings.isObserving) return false
    const attribution = attribute(this.#context(), caller, {
      uploaded: object,
      mustHaveLooked: true,
    })
    return commonFence(this.#context(), attribution) !== undefined
  }

  /** Another try of an upload that is kept already; undefined where it would not surely be refused any more. */
  refuseKept(caller: Caller, object: ObjectName): Decision | undefined {
    if (!this.isKeptAlready(caller, object)) return undefined
    const context = this.#context()
    const attribution = attribute(context, caller, { uploaded: object, mustHaveLooked: true })
    const fence = commonFence(context, attribution)
    const attempt = { verb: 'upload', object, size: 0 } as const
    return fence && refuse(context, caller, attempt, attribution, fence)
  }

  /** To be called for every upload that arrives, before its body is read: it may break off. */
  uploading(caller: Caller, object: ObjectName): void {
    const { presence } = this
    if (typeOf(object) === 'locks' && posterOf(this.state, object) !== undefined) {
      presence.repeated.set(object, true)
    }
    presence.uploaded(object, caller.arrivedAt)
    this.#learning.uploading(caller, object)
  }

  async upload(caller: Caller, upload: Upload): Promise<Decided> {
    const { object } = upload
    const decided = await this.#decide(caller, (context) => {
      const decision = decideUpload(context, caller, upload)
      return context.settings.isObserving
        ? letThrough(context, caller, { verb: 'upload', ...upload }, decision)
        : decision
    })
    const { verdict } = decided.decision
    this.#remember(caller, object, decided)
    if (['commit', 'done'].includes(verdict.kind)) {
      this.presence.triedInVain.delete(object)
      if (typeOf(object) === 'locks') {
        this.presence.lockPosted(object, this.#options.clock.monotonic())
      }
    }
    return decided
  }

  async delete(caller: Caller, deletion: Deletion): Promise<Decided> {
    const { object } = deletion
    const isLock = typeOf(object) === 'locks'
    if (isLock) this.#learning.unlocking(caller, object)
    else this.#learning.deleting(caller, deletion)
    // A lock whose answer arrived is not taken back: somebody unlocked it before its owner did.
    const isUnlockedAlready =
      isLock && !deletion.isPresent && wasAnswered(this.#context(), object)
    if (!deletion.isPresent && !isUnlockedAlready) {
      this.presence.tookBack(object, caller.arrivedAt)
    }
    const decided = await this.#decide(caller, (context) => {
      const decide = isLock ? decideUnlocking : decideDeletion
      const decision = decide(context, caller, deletion)
      if (!context.settings.isObserving) return decision
      return letThrough(context, caller, { verb: 'deletion', object, size: 0 }, decision)
    })
    const { verdict } = decided.decision
    this.#remember(caller, object, decided)
    // Who was told so may give up and end, and leave the only other one behind when a copy of this comes.
    const isAmbiguous = verdict.kind === 'refuse' && verdict.story.reason === 'ambiguous'
    if (isAmbiguous) this.presence.triedAt(object, caller.arrivedAt)
    if (!isLock) return decided
    if (verdict.kind === 'commit' || isUnlockedAlready) this.#noteUnlocked(caller, object)
    for (const { event } of decided.recorded) {
      if (event.kind === 'deleted') this.presence.lockGone(event.object)
    }
    // The deletion of a lock may have said whose a channel is.
    this.#wake()
    return decided
  }

  #noteUnlocked(caller: Caller, lock: ObjectName): void {
    const { sender, arrivedAt } = caller
    this.presence.unlockings.set(lock, { sender, arrivedAt, outlived: outlivedBy(caller) })
  }

  /** What was deferred may come again; what was decided is settled. */
  #remember(caller: Caller, object: ObjectName, { decision: { verdict } }: Decided): void {
    const { presence } = this
    const monotonic = this.#options.clock.monotonic()
    if (verdict.kind === 'knock') {
      presence.deferred(object, monotonic)
      return
    }
    if (presence.patienceFor(object, caller.sender, monotonic) === 'exhausted') {
      caller.sender.current.isOutOfPatience = true
    }
    presence.patience.delete(object)
  }

  /** The answer to a committed upload has gone out whole; the next request on the channel proves that it arrived. */
  delivered(caller: Caller, object: ObjectName): void {
    caller.channel.unconfirmed.push(object)
  }

  closed(channelId: string, byClient: boolean): void {
    this.presence.closed(channelId, byClient, this.#options.clock.monotonic())
  }

  /**
   * Waits, where this may be the request of a run that has ended, until its client would have hung up. False where it
   * has: then it is not to be decided.
   */
  async outwait(
    caller: Caller,
    verb: Verb,
    object: ObjectName,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (this.isObserving) return true
    const isUnproved = verb === 'deletion' && endsUnproved(this.#context(), caller, object)
    if (!isUnproved && !mayBeLate(this.#context(), caller, verb, object)) return true
    const isDoubtful = isUnproved && mayHaveHung(this.#context(), caller, object)
    await this.#pause(hangUpMs, signal)
    if (signal.aborted) return false
    if (isDoubtful) return true
    const { channel, arrivedAt } = caller
    if (channel.channel.isHidden) return true
    channel.outlived = Math.max(channel.outlived, arrivedAt)
    return true
  }

  /** Resolves when something changed that may say whose a channel is, or after `ms`. */
  async changed(ms: number, signal: AbortSignal): Promise<void> {
    await this.#pause(ms, signal, this.#watchers)
  }

  /** Resolves after `ms`, when the signal fires, or when one of the watchers is called. */
  async #pause(ms: number, signal: AbortSignal, watchers?: Set<() => void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        cancel()
        watchers?.delete(finish)
        signal.removeEventListener('abort', finish)
        resolve()
      }
      const cancel = this.#options.clock.timer(ms, finish)
      watchers?.add(finish)
      signal.addEventListener('abort', finish)
      if (signal.aborted) finish()
    })
  }

  /** Notes that the effects of a recorded event have been carried out. */
  async settle(...recorded: readonly Recorded[]): Promise<void> {
    await this.#journal.settle(recorded)
  }

  /** Notes that what a record was to publish is neither held nor at its place: somebody removed it past the gateway. */
  async vanished(recorded: Recorded): Promise<void> {
    await this.#record(() => vanish(this.state, recorded))
  }

  /** To be called now and then: ends writers by the passing of time, and stores what was deferred. */
  async tick(): Promise<Recorded[]> {
    const recorded = await this.#record(() => endGone(this.#context()))
    await this.#journal.flush()
    for (const id of this.presence.writers.keys()) {
      if (!this.state.writers.has(id)) this.presence.forget(id)
    }
    return recorded
  }

  /** Stores when writers were last heard, for the next run of the gateway; not where nothing has changed. */
  async noteHeard(): Promise<void> {
    const context = this.#context()
    const digest = digestOfHearings(context)
    if (digest === this.#heardNoted) return
    await this.#options.store.noteHeard(this.repository, notesOf(context))
    this.#heardNoted = digest
  }

  /** Open items, with or without their bytes, that nobody has tried to write for so long; each is to be evicted in its turn. */
  oldItems(ageMaxMs: number): Item[] {
    const old: Item[] = []
    for (const id of this.state.openItems.values()) {
      const item = this.state.items.get(id)
      if (item !== undefined && this.#isOld(item, ageMaxMs)) old.push(item)
    }
    return old
  }

  /** Items refused only as ambiguous, whose author has turned out within minutes to be a writer that nothing overtook. */
  provenItems(): { item: Item; writer: WriterId }[] {
    const proven: { item: Item; writer: WriterId }[] = []
    for (const id of this.state.openItems.values()) {
      const item = this.state.items.get(id)
      if (item !== undefined && this.#isProven(item) && item.author.kind === 'writer') {
        proven.push({ item, writer: item.author.writer })
      }
    }
    return proven
  }

  /** Records nothing where its author has been overtaken meanwhile. */
  async releaseProven(item: Item): Promise<Recorded[]> {
    return this.#record(() => {
      if (!this.#isProven(item) || item.author.kind !== 'writer') return []
      const reason = `refused as ambiguous only; it is that of ${item.author.writer}, which nothing overtook`
      const { id, object } = item
      return [{ kind: 'released', item: id, object, by: 'the gateway', reason, forced: false }]
    })
  }

  #isProven({ state, reason, isKept, author, ran }: Item): boolean {
    if (state !== 'quarantined' || reason !== 'ambiguous' || !isKept) return false
    if (author.kind !== 'writer' || this.#journal.running - ran > provenWithinMs) return false
    const writer = this.state.writers.get(author.writer)
    return writer !== undefined && fenceOf(writer, this.state.runs) === undefined
  }

  /** Records nothing where it is not old any more. */
  async evict(item: Item, ageMaxMs: number): Promise<Recorded[]> {
    return this.#record(() => {
      return this.#isOld(item, ageMaxMs)
        ? [{ kind: 'evicted', item: item.id, cause: 'age' }]
        : []
    })
  }

  #isOld(item: Item, ageMaxMs: number): boolean {
    return isOpen(item) && this.#journal.running - item.lastTryRan > ageMaxMs
  }

  async endWriter(id: WriterId, by?: string): Promise<Recorded[]> {
    return this.#record(() => end(this.#context(), id, 'operator', by))
  }

  /** An operator raises the generation by hand: every view taken before is overtaken. */
  async raise(by: string, reason: string): Promise<void> {
    const generation = generationAfter(this.state.generation)
    await this.#record(() => [{ kind: 'fenced', generation, by, reason }])
  }

  /** Records nothing where there is nothing to release any more, or where what should prove it does not, or no longer. */
  async release(
    item: Item,
    act: { by: string; reason: string; forced: boolean },
    proves?: () => ReadProof | undefined,
  ): Promise<Recorded[]> {
    const { id, object } = item
    return this.#record(() => {
      const proof = proves?.()
      const isProved = proves === undefined || proof !== undefined
      if (!isOpen(item) || !item.isKept || !isProved) return []
      return [{ kind: 'released', item: id, object, ...act, ...(proof && { proof }) }]
    })
  }

  /** Records nothing where there is nothing to discard any more. */
  async discard(item: Item, act: { by: string; reason: string }): Promise<Recorded[]> {
    return this.#record(() => {
      return isOpen(item) ? [{ kind: 'discarded', item: item.id, ...act }] : []
    })
  }

  /**
   * Seals all that lies before every living view: those records leave the journal for an archive. Answers undefined where
   * there are fewer than `recordsMin` of them, or they are being sealed already.
   */
  async seal(archives: JournalArchives, recordsMin = 1): Promise<Archive | undefined> {
    if (this.#isSealing) return undefined
    this.#isSealing = true
    try {
      const { store, clock } = this.#options
      const { repository } = this
      await this.flush()
      const to = await this.#sealableTo()
      const before = (await store.base(repository))?.position ?? 0
      if (to - before < recordsMin) return undefined
      const record = async (event: JournalEvent): Promise<void> => {
        await this.#record(() => [event])
      }
      const isKnown = (item: string): boolean => this.state.items.has(item as ItemId)
      return await seal({ store, archives, repository, clock, to, record, isKnown })
    } finally {
      this.#isSealing = false
    }
  }

  /** The last record before every living view and before all that is not carried out. */
  async #sealableTo(): Promise<Position> {
    const views = this.state
      .living()
      .map(({ view, commitView, packView }) => Math.min(view, commitView, packView))
    const [unsettled] = await this.#options.store.unsettled(this.repository)
    const open = unsettled === undefined ? [] : [unsettled - 1]
    return Math.min(this.state.commitView, this.state.packView, ...views, ...open)
  }

  async flush(): Promise<void> {
    await this.#journal.flush()
  }

  /** Whether one of them has an open connection of which that is known. */
  hasKnownChannel(writers: readonly WriterId[]): boolean {
    return this.presence.hasKnownChannel(writers)
  }

  /** Whether every candidate for this caller is overtaken already. */
  isFenced(caller: Caller): boolean {
    const { candidates } = attribute(this.#context(), caller, { mustHaveLooked: true })
    return areAllFenced(this.#context(), candidates)
  }

  livingWriters(): Writer[] {
    return this.state.living()
  }

  context(): Context {
    return this.#context()
  }

  async #decide(caller: Caller, decide: (context: Context) => Decision): Promise<Decided> {
    this.presence.senders.set(caller.sender.id, caller.sender)
    const { answer, recorded } = await this.#journal.transact(() => {
      const decision = decide(this.#context())
      return { events: signed(decision.events, caller), decision }
    })
    return { decision: answer.decision, recorded }
  }

  async #record(decide: () => JournalEvent[]): Promise<Recorded[]> {
    const { recorded } = await this.#journal.transact(() => ({ events: decide() }))
    if (recorded.some(({ event }) => event.kind === 'ended')) this.#wake()
    return recorded
  }

  /** Retries of one item are a count beside the chain, not events of their own. */
  async countTry(decision: Decision): Promise<void> {
    const item = decision.triedAgain && this.state.items.get(decision.triedAgain)
    if (item === undefined) return
    item.tries += 1
    item.lastTry = this.#options.clock.now()
    item.lastTryRan = this.#journal.running
    const note = { item: item.id, tries: item.tries, time: item.lastTry }
    await this.#options.store.noteTries(this.repository, note)
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #context(): Context {
    const { clock, random, settings } = this.#options
    return {
      state: this.state,
      presence: this.presence,
      settings,
      random,
      now: clock.now(),
      monotonic: clock.monotonic(),
      running: this.#journal.running,
    }
  }
}

function lookedUnseen(writers: readonly WriterId[], { listing }: MissedLook): JournalEvent[] {
  return writers.length > 0 ? [{ kind: 'looked', writers, sure: false, listing }] : []
}

/** Events carry the name of their request. Packs are too many for it, and each stands beside the run that sent it. */
function signed(
  events: readonly JournalEvent[],
  { request }: Pick<Caller, 'request'>,
): readonly JournalEvent[] {
  if (request === undefined) return events
  return events.map((event) => {
    const isPack = event.kind === 'committed' && typeOf(event.object) === 'data'
    return isPack ? event : { ...event, request }
  })
}
