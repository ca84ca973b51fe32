/** The core's one face to the gate: every question about a repository, decided on its journal and recorded in it. */
import type { Archive } from './journal/archive.js'
import { decideDeletion, type Deletion } from './rules/deleting.js'
import { areAllFenced, attribute } from './evidence/attribution.js'
import { decideUpload, commonFence, type Upload } from './rules/uploading.js'
import { decideUnlocking } from './rules/unlocking.js'
import type { Decision } from './rules/decision.js'
import { end, endGone } from './rules/ending.js'
import {
  generationAfter,
  type ItemId,
  type JournalEvent,
  type Position,
  type Verb,
  type WriterId,
} from './journal/event.js'
import { isOpen, type Allowance, type Item } from './state/item.js'
import { RepositoryJournal, type Recorded } from './journal/journal.js'
import { hangUpMs, mayBeLate } from './evidence/late-copy.js'
import { isHidden, look } from './rules/looking.js'
import { typeOf, type ListedType, type ObjectName, type RepositoryId } from './object.js'
import { arrive, open } from './rules/opening.js'
import { compareIndexes, indexesSettledAt, vanish } from './rules/outside.js'
import type { Clock, JournalArchives, JournalStore, Random } from './ports.js'
import { refuse } from './rules/refusing.js'
import { letThrough } from './rules/observing.js'
import { Presence, type Channel } from './evidence/presence.js'
import type { RepositoryState } from './state/repository-state.js'
import type { Caller, Scene, Settings } from './rules/scene.js'
import { seal } from './journal/sealing.js'
import type { Writer } from './state/writer.js'

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

export class RepositoryFence {
  readonly repository: RepositoryId
  readonly presence: Presence
  readonly #options: FenceOptions
  #journal: RepositoryJournal
  #isSealing = false
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
    return { fence: new RepositoryFence(options, journal), unsettled }
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

  get head(): RepositoryJournal['head'] {
    return this.#journal.head
  }

  caller(channel: Channel, told: Omit<Caller, 'channel' | 'follows' | 'arrivedAt'>): Caller {
    const state = this.presence.channel(channel, this.#options.clock.monotonic())
    return {
      ...told,
      channel: state,
      follows: state.lastRequestPosition,
      arrivedAt: this.state.position,
    }
  }

  /** To be called for every request, before anything else is asked for it. */
  arrive(caller: Caller): void {
    this.#journal.defer(arrive(this.#scene(), caller))
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
    const scene = this.#scene()
    const { answer } = await this.#journal.transact(() => {
      const { writer, events } = open(scene, caller)
      return { writer, events: signed(events, caller) }
    })
    return answer.writer
  }

  async look(caller: Caller, type: ListedType): Promise<void> {
    await this.#record(() => look(this.#scene(), caller, type))
  }

  /** Whether the caller is not shown this object. */
  isHidden(caller: Caller, object: ObjectName): boolean {
    return isHidden(this.#scene(), caller, object)
  }

  /** A look on admission, which binds nothing: an upload that is surely refused and kept already need not be staged. */
  isKeptAlready(caller: Caller, object: ObjectName): boolean {
    const item = this.state.items.get(this.state.openItems.get(object) ?? ('' as ItemId))
    if (item?.state !== 'quarantined' || this.#options.settings.isObserving) return false
    const attribution = attribute(this.#scene(), caller, {
      uploaded: object,
      mustHaveLooked: true,
    })
    return commonFence(this.#scene(), attribution) !== undefined
  }

  /** Another try of an upload that is kept already; undefined where it would not surely be refused any more. */
  refuseKept(caller: Caller, object: ObjectName): Decision | undefined {
    if (!this.isKeptAlready(caller, object)) return undefined
    const scene = this.#scene()
    const attribution = attribute(scene, caller, { uploaded: object, mustHaveLooked: true })
    const fence = commonFence(scene, attribution)
    const attempt = { verb: 'upload', object, size: 0 } as const
    return fence && refuse(scene, caller, attempt, attribution, fence)
  }

  /** To be called for every upload that arrives, before its body is read: it may break off. */
  uploading(caller: Caller, object: ObjectName): void {
    this.presence.uploaded(object, caller.arrivedAt)
  }

  async upload(caller: Caller, upload: Upload): Promise<Decided> {
    return this.#decide(caller, (scene) => {
      const decided = decideUpload(scene, caller, upload)
      const decision = scene.settings.isObserving
        ? letThrough(scene, caller, { verb: 'upload', ...upload }, decided)
        : decided
      const hasComeAbout = ['commit', 'done'].includes(decision.verdict.kind)
      if (hasComeAbout) scene.presence.triedInVain.delete(upload.object)
      return decision
    })
  }

  async delete(caller: Caller, deletion: Deletion): Promise<Decided> {
    const isLock = typeOf(deletion.object) === 'locks'
    const decided = await this.#decide(caller, (scene) => {
      const decide = isLock ? decideUnlocking : decideDeletion
      const decision = decide(scene, caller, deletion)
      if (!scene.settings.isObserving) return decision
      const { object } = deletion
      return letThrough(scene, caller, { verb: 'deletion', object, size: 0 }, decision)
    })
    // The deletion of a lock may have said whose a channel is.
    if (isLock) this.#wake()
    return decided
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
    if (this.isObserving || !mayBeLate(this.#scene(), caller, verb, object)) return true
    await this.#pause(hangUpMs, signal)
    if (signal.aborted) return false
    const { channel, arrivedAt } = caller
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
    const recorded = await this.#record(() => endGone(this.#scene()))
    await this.#journal.flush()
    for (const id of this.presence.writers.keys()) {
      if (!this.state.writers.has(id)) this.presence.forget(id)
    }
    return recorded
  }

  /** Items whose bytes nobody has tried to write for so long; each is to be evicted in its turn. */
  oldItems(ageMaxMs: number): Item[] {
    return [...this.state.items.values()].filter((item) => this.#isOld(item, ageMaxMs))
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
    return isOpen(item) && item.isKept && this.#options.clock.now() - item.lastTry > ageMaxMs
  }

  async endWriter(id: WriterId, by?: string): Promise<Recorded[]> {
    return this.#record(() => end(this.#scene(), id, 'operator', by))
  }

  /** An operator raises the generation by hand: every view taken before is overtaken. */
  async raise(by: string, reason: string): Promise<void> {
    const generation = generationAfter(this.state.generation)
    await this.#record(() => [{ kind: 'fenced', generation, by, reason }])
  }

  /** Records nothing where there is nothing to release any more. */
  async release(
    item: Item,
    act: { by: string; reason: string; forced: boolean },
  ): Promise<Recorded[]> {
    const { id, object } = item
    return this.#record(() => {
      return isOpen(item) && item.isKept ? [{ kind: 'released', item: id, object, ...act }] : []
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
      return await seal({ store, archives, repository, clock, to, record })
    } finally {
      this.#isSealing = false
    }
  }

  /** The last record before every living view and before all that is not carried out. */
  async #sealableTo(): Promise<Position> {
    const views = this.state.living().map(({ view, commitView }) => Math.min(view, commitView))
    const [unsettled] = await this.#options.store.unsettled(this.repository)
    const open = unsettled === undefined ? [] : [unsettled - 1]
    return Math.min(this.state.commitView, ...views, ...open)
  }

  async flush(): Promise<void> {
    await this.#journal.flush()
  }

  /** Whether every candidate for this caller is overtaken already. */
  isFenced(caller: Caller): boolean {
    const { candidates } = attribute(this.#scene(), caller, { mustHaveLooked: true })
    return areAllFenced(this.#scene(), candidates)
  }

  livingWriters(): Writer[] {
    return this.state.living()
  }

  scene(): Scene {
    return this.#scene()
  }

  async #decide(caller: Caller, decide: (scene: Scene) => Decision): Promise<Decided> {
    const { answer, recorded } = await this.#journal.transact(() => {
      const decision = decide(this.#scene())
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
    const note = { item: item.id, tries: item.tries, time: item.lastTry }
    await this.#options.store.noteTries(this.repository, note)
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #scene(): Scene {
    const { clock, random, settings } = this.#options
    return {
      state: this.state,
      presence: this.presence,
      settings,
      random,
      now: clock.now(),
      monotonic: clock.monotonic(),
    }
  }
}

/** Events carry the name of their request. Packs are too many for it, and each stands beside the run that sent it. */
function signed(events: readonly JournalEvent[], { request }: Caller): readonly JournalEvent[] {
  if (request === undefined) return events
  return events.map((event) => {
    const isPack = event.kind === 'committed' && typeOf(event.object) === 'data'
    return isPack ? event : { ...event, request }
  })
}
