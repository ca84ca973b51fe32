/** The one way from every door to a store: stage, decide, publish. Speaks no protocol. */
import type { Client, Verb } from '../../fencing/journal/event.js'
import {
  digestOf,
  typeOf,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import {
  BackendError,
  type BackendErrorCode,
  type ListEntry,
  type ObjectStore,
  type OpenObject,
  type OutsideWriter,
  type Random,
  type Staged,
} from '../../fencing/ports.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import type { Decided, RepositoryFence, Told } from '../../fencing/repository-fence.js'
import type { View } from '../../fencing/rules/opening.js'
import type { Caller } from '../../fencing/rules/context.js'
import type { Upload } from '../../fencing/rules/uploading.js'
import { eitherSignal } from '../program/either-signal.js'
import type { DecisionWatcher, WatchedDecision } from './decision-watcher.js'
import type { Fences } from './fences.js'
import { noShares, requireRoomForLock, requireRoomForRun, type Shares } from './shares.js'
import { nothingDelivered, outcomeOf, refusedPlainly, type Outcome } from './outcome.js'

/** Who sends a request through a door, as far as the door can tell. */
export interface Visitor {
  readonly channel: Channel
  readonly client: Client
  readonly tag?: string
  /** What its process sends with every request beside tag and user, in one text. */
  readonly constants?: string
  /** The door's name for the request: it stands in the journal and in the log. */
  readonly request?: string
  /** Deletions other than of locks are not allowed on this door. */
  readonly isAppendOnly: boolean
  /** Its client closes lines that are idle for longer, and the one that says whose it is may be among them. */
  readonly parkMsMax?: number
  /** It only reads, whatever it says: its requests are no evidence of any writer. */
  readonly isReader?: true
  /** The one folder below the root whose repositories this visitor may enter. */
  readonly realm?: string
}

/** Private repositories: a visitor with a realm may enter only what lies in it. */
export function mayEnter({ realm }: Visitor, repository: RepositoryId): boolean {
  return (
    realm === undefined ||
    (realm !== '' && repository === realm) ||
    repository.startsWith(`${realm}/`)
  )
}

export interface GateOptions {
  readonly store: ObjectStore
  readonly fences: Fences
  readonly random: Random
  /** How long a knocked retry is held, so that a lock refresh can say meanwhile whose it is. */
  readonly parkMs: number
  readonly parkedMax: number
  /** How many repositories a visitor may find before it makes another; 0 is no bound. */
  readonly repositoriesMax?: number
  readonly shares?: Shares
  readonly watch?: DecisionWatcher
}

export const defaultParking = { parkMs: 60_000, parkedMax: 64 } as const

export interface UploadBody {
  /** Bytes, where the client said so before. */
  readonly size?: number | undefined
  readonly chunks: AsyncIterable<Uint8Array>
  /** Set where it is not the bytes that come, but word of them: the sender writes them where it is told. */
  readonly outside?: OutsideWriter
  /** Reads the rest of a body that nobody wants. */
  readonly drain: () => Promise<void>
}

export class Gate {
  readonly #options: GateOptions
  readonly #closing = new AbortController()
  /** Channels of clients that may have begun later than they connected: they were told to ask again. */
  readonly #failedOpenings = new Set<string>()
  #parked = 0

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Requests that are held until something says whose they are. */
  get parked(): number {
    return this.#parked
  }

  /** Makes the folders of a repository; where they stand already nothing changes. Append-only visitors may. */
  async create(visitor: Visitor, repository: RepositoryId): Promise<void> {
    this.#refuseStranger(visitor, repository)
    if (visitor.isReader === true) {
      throw new BackendError('not-allowed', 'this visitor only reads')
    }
    await this.#requireRoomFor(visitor, repository)
    await this.#options.fences.requireJournal(repository)
    await this.#options.store.create(repository)
    await this.#options.fences.of(repository)
  }

  /** One more repository: of those that this visitor may enter there must be fewer than the bound. */
  async #requireRoomFor(visitor: Visitor, repository: RepositoryId): Promise<void> {
    const { store, repositoriesMax = 0 } = this.#options
    if (repositoriesMax === 0 || (await store.exists(repository))) return
    const own = (await store.repositories()).filter((one) => mayEnter(visitor, one))
    if (own.length < repositoriesMax) return
    throw new BackendError('too-many', `there are ${own.length} repositories already`)
  }

  /** Whether a repository, or the beginning of one, stands there. */
  async exists(repository: RepositoryId): Promise<boolean> {
    return this.#options.store.exists(repository)
  }

  /** The ids of all repositories below the root. */
  async repositories(): Promise<RepositoryId[]> {
    return this.#options.store.repositories()
  }

  /** A client begins: answers the size of the config, or undefined where there is none and nobody was born. */
  async begin(visitor: Visitor, repository: RepositoryId): Promise<number | undefined> {
    const config = 'config' as ObjectName
    try {
      const { size, met, fault } = await this.#lookUp(visitor, repository, config, true)
      if (size === undefined) return size
      if (fault !== undefined) this.#beginUnrecorded(visitor, repository, fault)
      if (met === undefined) return size
      requireRoomForRun(met.fence, visitor.client, this.#options.shares ?? noShares)
      await this.#beginRecorded(visitor, met)
      return size
    } catch (error) {
      this.#failedOpenings.add(visitor.channel.id)
      throw error
    }
  }

  async #beginRecorded(visitor: Visitor, { fence, caller }: Met): Promise<void> {
    try {
      await this.#options.fences.compare(fence)
      await fence.open(caller)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      this.#beginUnrecorded(visitor, fence.repository, error)
    }
  }

  /**
   * Who cannot be recorded as born may read, so that what is there can be restored whatever became of the journal. What it
   * tries to change fails until its opening has been made up for.
   */
  #beginUnrecorded(visitor: Visitor, repository: RepositoryId, fault: BackendError): void {
    const { fences } = this.#options
    // Nothing is written there before the gateway has started again.
    if (damagedCodes.has(fault.code)) return
    const view = fences.lastKnown(repository)?.durableView ?? fromBefore
    if (!fences.unrecorded.opened(repository, visitor.channel, this.#told(visitor), view)) {
      throw fault
    }
    fences.report(fault, `recording who begins to read "${repository}"`)
  }

  async stat(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
  ): Promise<number | undefined> {
    const { size } = await this.#lookUp(visitor, repository, object)
    return size
  }

  /** For its content. That a lock is read says who its reader is not. */
  async open(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
  ): Promise<OpenObject | undefined> {
    const { met } = await this.#meetReader(visitor, repository)
    if (met !== undefined && visitor.isReader !== true) note(met, object)
    if (this.#isDeleted(repository, object)) return undefined
    return this.#options.store.open(repository, object)
  }

  /** For what it is, not for its content: rclone asks so for the very lock that it has just sent. */
  async examine(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
  ): Promise<OpenObject | undefined> {
    await this.#meetReader(visitor, repository)
    if (this.#isDeleted(repository, object)) return undefined
    return this.#options.store.open(repository, object)
  }

  /**
   * Undefined where the repository does not exist. A folder that is missing in a repository is empty. With a prefix
   * (two hex digits) only what begins with it is listed; it is a look all the same.
   */
  async list(
    visitor: Visitor,
    repository: RepositoryId,
    type: ListedType,
    prefix = '',
  ): Promise<ListEntry[] | undefined> {
    const { met } = await this.#look(visitor, repository, type)
    const { store } = this.#options
    const entries = await (prefix === ''
      ? store.list(repository, type)
      : store.list(repository, type, prefix))
    if (entries === undefined) {
      const isThere = (await store.stat(repository, 'config' as ObjectName)) !== undefined
      return isThere ? [] : undefined
    }
    const asked = prefix === '' ? entries : entries.filter(({ id }) => id.startsWith(prefix))
    if (met === undefined) {
      return asked.filter(
        ({ id }) => !this.#isDeleted(repository, `${type}/${id}` as ObjectName),
      )
    }
    const { fence, caller } = met
    // Packs may be millions, and nearly always none of them is hidden.
    if (type !== 'locks' && fence.state.pendingDeletions.size === 0) return asked
    return asked.filter(({ id }) => !fence.isHidden(caller, `${type}/${id}` as ObjectName))
  }

  async upload(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
    body: UploadBody,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const staging = { object, body, signal }
    return this.#watched(repository, 'upload', (received) =>
      this.#upload(visitor, repository, staging, received),
    )
  }

  async #upload(
    visitor: Visitor,
    repository: RepositoryId,
    { object, body, signal }: Staging,
    received: () => void,
  ): Promise<Outcome> {
    if (visitor.isReader === true) return refusedPlainly('not-allowed')
    const met = await this.#meetWriter(visitor, repository, body)
    if (met === undefined) return refusedPlainly('no-repository')
    const { fence, caller } = met
    if (fence.isKeptAlready(caller, object)) return this.#refuseKept(met, object, body)
    const { store, random, fences } = this.#options
    if (typeOf(object) === 'locks') {
      requireRoomForLock(fence, visitor.client, this.#options.shares ?? noShares)
    }
    const staged = random.hex(12)
    fence.uploading(caller, object)
    store.requireSpace?.(object, body.size ?? 0)
    const { size, sha256 } = await this.#stage(repository, staged, { object, body, signal })
    received()
    let recorded: readonly Recorded[] = []
    try {
      const digest = digestOf(object)
      if (digest !== undefined && digest !== sha256) return refusedPlainly('wrong-hash')
      const decide = async (): Promise<Decided> => {
        // Whoever pruned past the gateway meanwhile has overtaken this writer too.
        if (leansOnPacks(object)) await fences.compare(fence)
        const present = await this.#present(fence, object, { size, sha256 })
        return fence.upload(caller, { object, size, staged, present })
      }
      const decided = await this.#settleOn(
        { ...met, visitor, verb: 'upload', object },
        decide,
        signal,
      )
      const { decision } = decided
      recorded = decided.recorded
      await fence.countTry(decision)
      const delivered = (): void => fence.delivered(caller, object)
      return outcomeOf(decision.verdict, delivered, size)
    } finally {
      await fences.release(fence, staged, recorded)
    }
  }

  async delete(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
    signal: AbortSignal,
  ): Promise<Outcome> {
    return this.#watched(repository, 'deletion', () =>
      this.#delete(visitor, repository, object, signal),
    )
  }

  async #delete(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (visitor.isReader === true) return refusedPlainly('not-allowed')
    if (visitor.isAppendOnly && typeOf(object) !== 'locks') {
      // Who is refused is heard of all the same, where that can be; the answer does not depend on it.
      await this.#meet(visitor, repository).catch(mustBeFault)
      return refusedPlainly('append-only')
    }
    const met = await this.#meet(visitor, repository)
    if (met === undefined) return { kind: 'done', delivered: nothingDelivered }
    const { fence, caller } = met
    let bytes = 0
    const decide = async (): Promise<Decided> => {
      const size = await this.#presentBytes(fence, object)
      bytes = size ?? 0
      return fence.delete(caller, { object, isPresent: size !== undefined })
    }
    const { decision } = await this.#settleOn(
      { ...met, visitor, verb: 'deletion', object },
      decide,
      signal,
    )
    return outcomeOf(decision.verdict, nothingDelivered, bytes)
  }

  /** `act` is handed what it is to call once the last byte has come. */
  async #watched(
    repository: RepositoryId,
    verb: Verb,
    act: (received: () => void) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { watch } = this.#options
    if (watch === undefined) return act(() => undefined)
    let since = performance.now()
    const tell = (result: WatchedDecision['result']): void => {
      watch({ repository, verb, result, seconds: (performance.now() - since) / 1000 })
    }
    try {
      const outcome = await act(() => (since = performance.now()))
      tell(outcome.kind === 'done' ? 'done' : outcome.reason)
      return outcome
    } catch (error) {
      const isFull = error instanceof BackendError && error.code === 'no-space'
      tell(isFull ? 'no-space' : 'undecided')
      throw error
    }
  }

  /** A channel has closed; `byClient` where the client closed it, not the gateway and no time limit. */
  closed(channelId: string, byClient: boolean): void {
    this.#failedOpenings.delete(channelId)
    this.#options.fences.unrecorded.closed(channelId, byClient)
    for (const fence of this.#options.fences.loaded()) fence.closed(channelId, byClient)
  }

  /** Whether it is known, in any repository, which run sends on a channel. */
  knows(channelId: string): boolean {
    return this.#options.fences.loaded().some((fence) => fence.presence.isKnown(channelId))
  }

  /** Lets go of every parked request. */
  close(): void {
    this.#closing.abort()
  }

  #stage(
    repository: RepositoryId,
    id: string,
    { object, body, signal }: Staging,
  ): Promise<Staged> {
    const { store } = this.#options
    const { chunks, outside } = body
    if (outside === undefined) return store.stage(repository, id, chunks, signal, object)
    if (store.stageOutside !== undefined) {
      return store.stageOutside(repository, id, object, outside)
    }
    throw new BackendError('not-allowed', 'this store writes its bytes itself')
  }

  /** Decides, one after another for one object, and carries out; a knocked retry is held and decided once more. */
  async #settleOn(
    { fence, caller, visitor, verb, object }: Settling,
    decide: () => Promise<Decided>,
    signal: AbortSignal,
  ): Promise<Decided> {
    const { fences } = this.#options
    if (!(await fence.outwait(caller, verb, object, signal))) return putOff
    const decided = await fences.decide(fence, object, decide)
    const { verdict } = decided.decision
    if (verdict.kind !== 'knock' || verdict.isFirst) return decided
    // The next try may come on a connection that is known, unless there is none.
    if (fence.hasKnownChannel(verdict.candidates)) return decided
    if (this.#parked >= this.#options.parkedMax) return decided
    this.#parked += 1
    const either = eitherSignal(signal, this.#closing.signal)
    try {
      const { parkMs } = this.#options
      await fence.changed(Math.min(parkMs, visitor.parkMsMax ?? parkMs), either.signal)
      if (either.signal.aborted) return decided
    } finally {
      either.release()
      this.#parked -= 1
    }
    return fences.decide(fence, object, decide)
  }

  /** A lock goes with its fenced writer too, whatever else is decided on it while the store is asked. */
  async #presentBytes(fence: RepositoryFence, object: ObjectName): Promise<number | undefined> {
    const { state, repository } = fence
    if (state.pendingDeletions.has(object)) return undefined
    const size = await this.#options.store.stat(repository, object)
    return state.pendingDeletions.has(object) ? undefined : size
  }

  /** What stands under a name; the same content is what its hash and size say, read anew from the disk. */
  async #present(
    fence: RepositoryFence,
    object: ObjectName,
    upload: Staged,
  ): Promise<Upload['present']> {
    if (fence.state.pendingDeletions.has(object)) return 'absent'
    const { store } = this.#options
    const size = await store.stat(fence.repository, object)
    if (size === undefined) return 'absent'
    if (size !== upload.size) return 'different'
    const standing = await store.digest(fence.repository, object)
    return standing?.sha256 === upload.sha256 ? 'same' : 'different'
  }

  /** The bytes are in quarantine already and the answer is known: read the body to its end and say so. */
  async #refuseKept(met: Met, object: ObjectName, body: UploadBody): Promise<Outcome> {
    await body.drain()
    // They may be on their way there still, if the store failed meanwhile: nobody is told before they have arrived.
    await this.#options.fences.inTurn(met.fence, object, async () => undefined)
    const decision = met.fence.refuseKept(met.caller, object)
    if (decision === undefined)
      return outcomeOf({ kind: 'knock', isFirst: true, candidates: [] }, nothingDelivered)
    await met.fence.countTry(decision)
    return outcomeOf(decision.verdict, nothingDelivered)
  }

  async #lookUp(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
    isOpening = false,
  ): Promise<{ readonly size: number | undefined } & MetReader> {
    const reader = await this.#meetReader(visitor, repository, isOpening)
    const isDeleted = this.#isDeleted(repository, object)
    const size = isDeleted ? undefined : await this.#options.store.stat(repository, object)
    return { size, ...reader }
  }

  #isDeleted(repository: RepositoryId, object: ObjectName): boolean {
    const known = this.#options.fences.lastKnown(repository)
    return known?.state.pendingDeletions.has(object) === true
  }

  async #look(
    visitor: Visitor,
    repository: RepositoryId,
    type: ListedType,
  ): Promise<MetReader> {
    const reader = await this.#meetReader(visitor, repository)
    if (visitor.isReader === true) return reader
    const { fences } = this.#options
    const { met, fault } = reader
    try {
      await met?.fence.look(met.caller, type)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      fences.unrecorded.listed(repository, type, met?.caller.sender.current.candidates)
    }
    if (fault !== undefined) {
      const known = fences.lastKnown(repository)?.knownCandidates(visitor.channel.id)
      fences.unrecorded.listed(repository, type, known)
    }
    return reader
  }

  async #meetWriter(
    visitor: Visitor,
    repository: RepositoryId,
    body: UploadBody,
  ): Promise<Met | undefined> {
    try {
      const met = await this.#meet(visitor, repository)
      if (met === undefined) await body.drain()
      return met
    } catch (error) {
      await body.drain()
      throw error
    }
  }

  /** Reads are served whatever became of the journal; what follows on them is made up for before anything is written. */
  async #meetReader(
    visitor: Visitor,
    repository: RepositoryId,
    isOpening = false,
  ): Promise<MetReader> {
    this.#refuseStranger(visitor, repository)
    try {
      return { met: await this.#meet(visitor, repository, isOpening) }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      this.#options.fences.unrecorded.heard(repository, visitor.channel.id)
      return { met: undefined, fault: error }
    }
  }

  /** Doors ask before; this is for the one that forgets. */
  #refuseStranger(visitor: Visitor, repository: RepositoryId): void {
    if (mayEnter(visitor, repository)) return
    throw new BackendError('not-allowed', `"${repository}" is not this user's`)
  }

  async #meet(
    visitor: Visitor,
    repository: RepositoryId,
    isOpening = false,
  ): Promise<Met | undefined> {
    this.#refuseStranger(visitor, repository)
    const fence = await this.#options.fences.of(repository)
    if (fence === undefined) return undefined
    const { unrecorded } = this.#options.fences
    if (unrecorded.has(repository)) await unrecorded.makeUp(fence)
    const told = { ...this.#told(visitor), ...(isOpening ? { isOpening } : {}) }
    const caller = fence.caller(visitor.channel, told)
    if (visitor.isReader !== true) fence.arrive(caller)
    return { fence, caller }
  }

  #told({ channel, client, tag, request, constants }: Visitor): Told {
    return {
      client,
      ...(tag === undefined ? {} : { tag }),
      ...(request === undefined ? {} : { request }),
      ...(constants === undefined ? {} : { constants }),
      ...(this.#failedOpenings.has(channel.id) ? { hasFailedToOpen: true } : {}),
    }
  }
}

function mustBeFault(error: unknown): void {
  if (!(error instanceof BackendError)) throw error
}

/** What the reading of an object says of its reader. */
function note({ fence, caller }: Met, object: ObjectName): void {
  const type = typeOf(object)
  if (type === 'locks') fence.readLock(caller, object)
  else fence.read(caller, type)
}

/** What names packs must not be committed on a view that is older than a prune past the gateway. */
function leansOnPacks(object: ObjectName): boolean {
  return typeOf(object) === 'index' || typeOf(object) === 'snapshots'
}

interface Met {
  readonly fence: RepositoryFence
  readonly caller: Caller
}

/** `fault` is why a reader is served without its repository's journal. */
interface MetReader {
  readonly met: Met | undefined
  readonly fault?: BackendError
}

interface Settling extends Met {
  readonly visitor: Visitor
  readonly verb: Verb
  readonly object: ObjectName
}

const putOff: Decided = {
  decision: { verdict: { kind: 'knock', isFirst: true, candidates: [] }, events: [] },
  recorded: [],
}

interface Staging {
  readonly object: ObjectName
  readonly body: UploadBody
  readonly signal: AbortSignal
}

/** Nothing is known of what it may have seen. */
const fromBefore: View = { commitView: 0, packView: 0 }

const damagedCodes: ReadonlySet<BackendErrorCode> = new Set(['corrupt', 'newer-state'])
