/** Keeps the fences of all repositories: loads, recovers and adopts each once, and reloads one that has failed. */
import { effectsOf } from '../../fencing/state/effect.js'
import type { Allowance, Item } from '../../fencing/state/item.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type Clock,
  type Held,
  type JournalArchives,
  type JournalStore,
  type ObjectStore,
  type Random,
} from '../../fencing/ports.js'
import { RepositoryFence } from '../../fencing/repository-fence.js'
import type { Settings } from '../../fencing/rules/context.js'
import { carryOut } from './effects.js'
import { KeyedMutex } from './keyed-mutex.js'
import { Removals } from './removals.js'
import { Reloads } from './reloads.js'
import { recordsBeforeSealing } from './sealing-limit.js'
import { Unrecorded } from './unrecorded.js'

export interface FencesOptions {
  readonly store: ObjectStore
  readonly journal: JournalStore
  readonly clock: Clock
  readonly random: Random
  readonly settings: Settings
  readonly allowance: Allowance
  readonly itemAgeMaxMs: number
  /** Where records are sealed that no living view leans on; without it they stay in the journal. */
  readonly archives?: JournalArchives
  readonly onFault: (error: unknown, what: string) => void
}

/** A jump of the wall clock against the monotonic one by more than this is a suspend or a reset of the clock. */
const clockJumpMs = 60_000

/** Most of the time only a count is compared; a sleeper's view can keep it from going on for days. */
const sealingEveryMs = 60 * 60_000
const heardEveryMs = 60_000
/** At a start: a disk that hangs holds up one of them for some seconds. */
const loadingMax = 8

export class Fences {
  /** What was served and is not in the journal yet. */
  readonly unrecorded: Unrecorded
  readonly #options: FencesOptions
  readonly #loading = new Map<RepositoryId, Promise<RepositoryFence | undefined>>()
  readonly #loaded = new Map<RepositoryId, RepositoryFence>()
  /** Effects that were recorded and could not be carried out yet; an intent is never given up. */
  readonly #pending = new Map<RepositoryFence, Recorded[]>()
  /** Whose indexes changed too often to be compared with the journal's. */
  readonly #uncompared = new Set<RepositoryFence>()
  /** Staged while a journal failed; to be dropped once it has been loaded again and carried out. */
  readonly #leftBehind = new Map<RepositoryId, string[]>()
  readonly #removals: Removals
  readonly #reloads: Reloads
  readonly #mutex = new KeyedMutex()
  /** The checks that run. */
  readonly #ticking = new Map<RepositoryFence, Promise<void>>()
  #clockOffset: number
  #heardNotedAt = Number.NEGATIVE_INFINITY
  #sealedAt = Number.NEGATIVE_INFINITY

  constructor(options: FencesOptions) {
    this.#options = options
    this.unrecorded = new Unrecorded(options.clock)
    this.#reloads = new Reloads(() => options.clock.monotonic())
    this.#clockOffset = options.clock.now() - options.clock.monotonic()
    const { store, onFault } = options
    const onFailed = (fence: RepositoryFence, recorded: Recorded[], error: unknown): void => {
      this.#putOff(fence, recorded)
      onFault(error, `removing objects of "${fence.repository}"`)
    }
    this.#removals = new Removals({ store, onFailed })
  }

  /** Undefined where there is no repository. Throws BackendError where its journal cannot be read. */
  async of(repository: RepositoryId): Promise<RepositoryFence | undefined> {
    const known = this.#loaded.get(repository)
    if (known !== undefined && known.failure === undefined) return known
    const loading = this.#loading.get(repository)
    if (loading !== undefined) return loading
    this.#reloads.require(repository, known)
    const begun = this.#load(repository)
    this.#loading.set(repository, begun)
    try {
      return await begun
    } catch (error) {
      this.#reloads.failed(repository, error)
      throw error
    } finally {
      this.#loading.delete(repository)
    }
  }

  /** As it was last known, whether or not its journal has failed since. */
  lastKnown(repository: RepositoryId): RepositoryFence | undefined {
    return this.#loaded.get(repository)
  }

  /** To be told of what is served all the same. */
  report(error: unknown, what: string): void {
    this.#options.onFault(error, what)
  }

  /** Throws where nothing can be recorded of a repository that is to be made. */
  async requireJournal(repository: RepositoryId): Promise<void> {
    await this.#options.journal.head(repository)
  }

  loaded(): RepositoryFence[] {
    return [...this.#loaded.values()]
  }

  /**
   * Loads and recovers every repository that has a journal, some at once. Faults of one are reported and do not stop the
   * others, nor does a disk that hangs.
   */
  async loadAll(): Promise<void> {
    const left = (await this.#options.journal.repositories()).values()
    const work = async (): Promise<void> => {
      for (const repository of left) {
        try {
          await this.of(repository)
        } catch (error) {
          this.#options.onFault(error, `loading the journal of "${repository}"`)
        }
      }
    }
    await Promise.all(Array.from({ length: loadingMax }, work))
  }

  /** To be called when a client begins: whether the folder was used past the gateway. */
  async compare(fence: RepositoryFence): Promise<void> {
    this.#uncompared.delete(fence)
    const isDone = await fence.compare(() => this.#namesOf(fence.repository, 'index'))
    if (!isDone) this.#uncompared.add(fence)
  }

  /**
   * What is asked of one object is decided in its turn, and carried out. What the decision does to others (the locks of a
   * writer that is fenced or has ended) follows, each in its own turn: such a lock may still be on its way to its place.
   * What fails is thrown, and tried again until it is done.
   */
  async decide<T extends { readonly recorded: readonly Recorded[] }>(
    fence: RepositoryFence,
    object: ObjectName,
    act: () => Promise<T>,
  ): Promise<T> {
    const isOther = (one: Recorded): boolean => objectOf(fence, one) !== object
    const decided = await this.inTurn(fence, object, async () => {
      const answer = await act()
      try {
        const own = answer.recorded.filter((one) => !isOther(one))
        await this.#carryOutNow(fence, own)
      } catch (error) {
        this.#putOff(fence, answer.recorded)
        throw error
      }
      return answer
    })
    await this.carryOut(fence, decided.recorded.filter(isOther))
    return decided
  }

  /** Carries out what was recorded outside of any turn. What fails is thrown, and tried again until it is done. */
  async carryOut(fence: RepositoryFence, recorded: readonly Recorded[]): Promise<void> {
    for (const [at, one] of recorded.entries()) {
      const object = objectOf(fence, one)
      if (object === undefined || effectsOf(one.event).length === 0) continue
      try {
        await this.inTurn(fence, object, () => this.#carryOutNow(fence, [one]))
      } catch (error) {
        this.#putOff(fence, recorded.slice(at))
        throw error
      }
    }
  }

  /** Whoever waits for it is not told that it is there when it was removed at once. */
  async #carryOutNow(fence: RepositoryFence, recorded: readonly Recorded[]): Promise<void> {
    const [gone] = await carryOut(this.#options.store, fence, recorded, this.#removals)
    if (gone === undefined) return
    throw new BackendError('unavailable', `"${gone}" is gone: it was removed past the gateway`)
  }

  #putOff(fence: RepositoryFence, recorded: readonly Recorded[]): void {
    const open = recorded.filter(({ event }) => effectsOf(event).length > 0)
    this.#pending.set(fence, [...(this.#pending.get(fence) ?? []), ...open])
  }

  /** Carries out what earlier failed for this object. Throws while it still fails. */
  async #carryOutPending(fence: RepositoryFence, object: ObjectName): Promise<void> {
    const pending = this.#pending.get(fence)
    if (pending === undefined) return
    for (const one of pending.filter((each) => objectOf(fence, each) === object)) {
      await carryOut(this.#options.store, fence, [one])
      const rest = (this.#pending.get(fence) ?? []).filter((each) => each !== one)
      if (rest.length > 0) this.#pending.set(fence, rest)
      else this.#pending.delete(fence)
    }
  }

  /**
   * What becomes of one object, by clients, operators or time, becomes of it one after another: each with the one before
   * carried out. Throws while that still fails.
   */
  async inTurn<T>(
    fence: RepositoryFence,
    object: ObjectName,
    act: () => Promise<T>,
  ): Promise<T> {
    return this.#mutex.run(`${fence.repository}/${object}`, async () => {
      await this.#carryOutPending(fence, object)
      return act()
    })
  }

  /**
   * Drops staged bytes, unless an effect that is recorded, or may be recorded, still needs them, or one that was carried out
   * has taken them. Never throws.
   */
  async release(
    fence: RepositoryFence,
    staged: string,
    carriedOut: readonly Recorded[],
  ): Promise<void> {
    const { repository } = fence
    if (carriedOut.some((one) => needs(one, staged))) return
    if (fence.failure !== undefined && this.#loaded.get(repository) === fence) {
      // Nobody knows what the journal has until it is loaded again.
      this.#leftBehind.set(repository, [...(this.#leftBehind.get(repository) ?? []), staged])
      return
    }
    const isPending = [...this.#pending.values()].flat().some((one) => needs(one, staged))
    if (!isPending) await this.#drop(repository, staged)
  }

  /**
   * To be called every few seconds: what time itself decides. Each repository for itself: one whose disk hangs is left alone
   * until it is done.
   */
  async tick(): Promise<void> {
    const { clock } = this.#options
    const offset = clock.now() - clock.monotonic()
    const hasJumped = Math.abs(offset - this.#clockOffset) > clockJumpMs
    this.#clockOffset = offset
    const isSealing = clock.monotonic() - this.#sealedAt >= sealingEveryMs
    if (isSealing) this.#sealedAt = clock.monotonic()
    const isNoting = clock.monotonic() - this.#heardNotedAt >= heardEveryMs
    if (isNoting) this.#heardNotedAt = clock.monotonic()
    const started: Promise<void>[] = []
    for (const fence of this.loaded()) {
      if (hasJumped) fence.presence.renewLocks(clock.monotonic())
      if (this.#ticking.has(fence)) continue
      const ticking = this.#tickOne(fence, { isSealing, isNoting }).finally(() =>
        this.#ticking.delete(fence),
      )
      this.#ticking.set(fence, ticking)
      started.push(ticking)
    }
    await Promise.all(started)
  }

  /** Resolves when no check runs any more. */
  async ticked(): Promise<void> {
    await Promise.all(this.#ticking.values())
  }

  async #tickOne(
    fence: RepositoryFence,
    due: { readonly isSealing: boolean; readonly isNoting: boolean },
  ): Promise<void> {
    const { itemAgeMaxMs, onFault } = this.#options
    try {
      await this.#carryOutAllPending(fence)
      if (this.#uncompared.has(fence)) await this.compare(fence)
      await this.carryOut(fence, await fence.tick())
      for (const item of fence.oldItems(itemAgeMaxMs)) await this.#evict(fence, item)
      for (const { item } of fence.provenItems()) await this.#releaseProven(fence, item)
    } catch (error) {
      onFault(error, `the regular check of "${fence.repository}"`)
    }
    if (due.isNoting) await this.#noteHeard(fence)
    if (due.isSealing) await this.#seal(fence)
  }

  /** Not with each request: what a crash loses of it makes nobody a sleeper. */
  async #noteHeard(fence: RepositoryFence): Promise<void> {
    try {
      await fence.noteHeard()
    } catch (error) {
      const what = `noting when the writers of "${fence.repository}" were heard`
      this.#options.onFault(error, what)
    }
  }

  async #carryOutAllPending(fence: RepositoryFence): Promise<void> {
    const objects = new Set(this.#pending.get(fence)?.map((one) => objectOf(fence, one)))
    for (const object of objects) {
      if (object !== undefined) await this.inTurn(fence, object, async () => undefined)
    }
  }

  /** Its bytes may be on their way into quarantine still. */
  async #evict(fence: RepositoryFence, item: Item): Promise<void> {
    await this.decide(fence, item.object, async () => {
      return { recorded: await fence.evict(item, this.#options.itemAgeMaxMs) }
    })
  }

  async #releaseProven(fence: RepositoryFence, item: Item): Promise<void> {
    await this.decide(fence, item.object, async () => {
      return { recorded: await fence.releaseProven(item) }
    })
  }

  /** So that neither the journal nor the time to read it at a start grows with the years. */
  async #seal(fence: RepositoryFence): Promise<void> {
    const { archives, onFault } = this.#options
    if (archives === undefined) return
    try {
      await fence.seal(archives, recordsBeforeSealing)
    } catch (error) {
      onFault(error, `sealing records of "${fence.repository}"`)
    }
  }

  async flush(): Promise<void> {
    await this.#removals.sync()
    await Promise.all(this.loaded().map((fence) => fence.flush()))
    await Promise.all(this.loaded().map((fence) => fence.noteHeard()))
  }

  async #load(repository: RepositoryId): Promise<RepositoryFence | undefined> {
    const { store, journal } = this.#options
    if (!(await store.exists(repository))) return undefined
    const before = this.#loaded.get(repository)
    const { fence, unsettled } = await RepositoryFence.load({
      ...this.#options,
      store: journal,
      repository,
      ...(before === undefined ? {} : { presence: before.presence }),
    })
    await carryOut(store, fence, unsettled)
    if (before === undefined) await this.#cleanStaging(fence)
    else giveBack(before)
    await fence.adopt({
      locks: await this.#namesOf(repository, 'locks'),
      indexes: await this.#namesOf(repository, 'index'),
    })
    await this.compare(fence)
    if (before !== undefined) {
      this.#pending.delete(before)
      this.#uncompared.delete(before)
    }
    this.#loaded.set(repository, fence)
    this.#reloads.loaded(fence)
    await this.#dropLeftBehind(repository)
    return fence
  }

  /** What a crash left half received belongs to nobody: no record names it. */
  async #cleanStaging(fence: RepositoryFence): Promise<void> {
    const { store } = this.#options
    for (const id of await store.held(fence.repository, 'staging')) {
      await store.discard(fence.repository, stagedAs(id))
    }
  }

  async #dropLeftBehind(repository: RepositoryId): Promise<void> {
    const left = this.#leftBehind.get(repository) ?? []
    this.#leftBehind.delete(repository)
    for (const id of left) await this.#drop(repository, id)
  }

  /** The answer is known already and must not change because of bytes that nobody needs: a restart drops them too. */
  async #drop(repository: RepositoryId, staged: string): Promise<void> {
    const { store, onFault } = this.#options
    try {
      await store.discard(repository, stagedAs(staged))
    } catch (error) {
      onFault(error, `dropping the staged bytes "${staged}" of "${repository}"`)
    }
  }

  async #namesOf(repository: RepositoryId, type: ListedType): Promise<ObjectName[]> {
    const entries = (await this.#options.store.list(repository, type)) ?? []
    return entries.map(({ id }) => `${type}/${id}` as ObjectName)
  }
}

/** The items of a fence that is loaded again are counted twice otherwise. */
function giveBack(fence: RepositoryFence): void {
  for (const item of fence.state.items.values()) {
    if (item.isKept) fence.state.allowance.give(item.client, item.size)
  }
}

function stagedAs(id: string): Held {
  return { area: 'staging', id }
}

function needs({ event }: Recorded, staged: string): boolean {
  return effectsOf(event).some((effect) => {
    if (effect.kind === 'keep') return effect.staged === staged
    return effect.kind === 'publish' && effect.held.id === staged
  })
}

function objectOf({ state }: RepositoryFence, { event }: Recorded): ObjectName | undefined {
  if ('object' in event) return event.object
  return 'item' in event ? state.items.get(event.item)?.object : undefined
}
