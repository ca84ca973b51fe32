/** A repository, its journal and some clients in memory, with a clock that only the test moves. */
import { createHash } from 'node:crypto'
import { effectsOf } from '../../fencing/state/effect.js'
import type { Client, WriterId } from '../../fencing/journal/event.js'
import { Allowance } from '../../fencing/state/item.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import {
  typeOf,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import type { Clock, JournalStore, Random } from '../../fencing/ports.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { RepositoryFence } from '../../fencing/repository-fence.js'
import { defaultSettings } from '../../fencing/rules/context.js'
import type { Decision } from '../../fencing/rules/decision.js'
import { memoryJournal } from '../../backends/memory/memory-journal.js'

export const seconds = 1000
export const minutes = 60 * seconds
export const days = 24 * 60 * minutes

/** A readable label as an object's name. */
export function named(type: ListedType, label: string): ObjectName {
  const known = names.get(`${type}/${label}`)
  if (known !== undefined) return known
  const name = `${type}/${sha256(`${type}/${label}`)}` as ObjectName
  names.set(`${type}/${label}`, name)
  return name
}
const names = new Map<string, ObjectName>()
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
export const data = (label: string): ObjectName => named('data', label)
export const index = (label: string): ObjectName => named('index', label)
export const snapshot = (label: string): ObjectName => named('snapshots', label)
export const lock = (label: string): ObjectName => named('locks', label)
export const key = (label: string): ObjectName => named('keys', label)

/** What a client is told: `ok`, `knock`, or the reason of a refusal. */
export type Told = 'ok' | 'knock' | 'stale' | 'conflict' | 'unseen' | 'ambiguous' | 'exists'

export interface WorldOptions {
  readonly standing?: readonly ObjectName[]
  readonly quarantineBytesMax?: number
  readonly isObserving?: boolean
  readonly journal?: JournalStore
}

export class World {
  readonly #time = { now: 1_700_000_000_000, monotonic: 1_000_000, running: 0 }
  #count = 0
  #channels = 0
  readonly journal: JournalStore
  fence!: RepositoryFence
  allowance: Allowance
  /** The objects on the disk. */
  readonly disk: Set<ObjectName>
  /** Effects that are recorded and not carried out, while their kind is held back. */
  heldBack: Recorded[] = []
  holdsBack: 'committed' | 'deleted' | 'all' | undefined
  readonly #bytesMax: number
  #isObserving: boolean

  private constructor(options: WorldOptions) {
    this.journal = options.journal ?? memoryJournal()
    this.disk = new Set(options.standing)
    this.#bytesMax = options.quarantineBytesMax ?? Number.POSITIVE_INFINITY
    this.allowance = new Allowance(this.#bytesMax)
    this.#isObserving = options.isObserving ?? false
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const world = new World(options)
    await world.#load()
    return world
  }

  readonly clock: Clock = {
    now: () => this.#time.now,
    monotonic: () => this.#time.monotonic,
    running: () => this.#time.running,
    timer: () => () => undefined,
  }

  readonly random: Random = {
    hex: (bytes) => {
      this.#count += 1
      return named('keys', String(this.#count)).slice(
        'keys/'.length,
        'keys/'.length + 2 * bytes,
      )
    },
  }

  pass(ms: number): void {
    this.#time.now += ms
    this.#time.monotonic += ms
    this.#time.running += ms
  }

  /** The date jumps, as when a machine boots with a wrong one; no time passes. */
  shiftDate(ms: number): void {
    this.#time.now += ms
  }

  /** A crash came before the running time was kept. */
  loseRunningTime(ms: number): void {
    this.#time.running -= ms
  }

  get generation(): number {
    return this.fence.state.generation
  }

  channel(options: { isHidden?: boolean } = {}): Channel {
    this.#channels += 1
    return {
      id: `c${this.#channels}`,
      openedAt: this.#time.monotonic,
      isHidden: options.isHidden ?? false,
    }
  }

  client(options: { user?: string; address?: string; tag?: string } = {}): SimulatedClient {
    return new SimulatedClient(this, options)
  }

  /** The gateway ends at once and starts anew: only the journal and the disk remain. */
  async restart({ isObserving = this.#isObserving } = {}): Promise<void> {
    this.#isObserving = isObserving
    this.allowance = new Allowance(this.#bytesMax)
    await this.#load()
  }

  async carryOut(recorded: readonly Recorded[]): Promise<void> {
    for (const one of recorded) {
      if (this.holdsBack === 'all' || one.event.kind === this.holdsBack) {
        this.heldBack.push(one)
        continue
      }
      await this.#carryOutOne(one)
    }
  }

  async carryOutHeldBack(): Promise<void> {
    this.holdsBack = undefined
    const held = this.heldBack
    this.heldBack = []
    await this.carryOut(held)
  }

  async #carryOutOne(one: Recorded): Promise<void> {
    const isWanted = this.fence.state.isPending(one.event, one.position)
    const effects = effectsOf(one.event)
    for (const effect of isWanted ? effects : []) {
      if (effect.kind === 'publish') this.disk.add(effect.object)
      if (effect.kind === 'remove') this.disk.delete(effect.object)
    }
    if (effects.length > 0) await this.fence.settle(one)
  }

  async #load(): Promise<void> {
    const { fence, unsettled } = await RepositoryFence.load({
      repository: 'r' as RepositoryId,
      store: this.journal,
      clock: this.clock,
      random: this.random,
      settings: { ...defaultSettings, isObserving: this.#isObserving },
      allowance: this.allowance,
    })
    this.fence = fence
    await this.carryOut(unsettled)
    await fence.adopt({ locks: this.standing('locks/'), indexes: this.standing('index/') })
  }

  standing(prefix: string): ObjectName[] {
    return [...this.disk].filter((object) => object.startsWith(prefix))
  }
}

/** One process of a client program, which sends what the test says on the channel that the test says. */
export class SimulatedClient {
  readonly #world: World
  readonly #client: Client
  readonly #tag: string | undefined
  id: WriterId | undefined

  constructor(world: World, options: { user?: string; address?: string; tag?: string }) {
    this.#world = world
    const address = options.address ?? '127.0.0.1'
    this.#client = options.user === undefined ? { address } : { user: options.user, address }
    this.#tag = options.tag
  }

  async open(channel: Channel): Promise<void> {
    const caller = this.#arrive(channel)
    this.id = await this.#world.fence.open(caller)
  }

  async list(type: ListedType, channel: Channel): Promise<ObjectName[]> {
    const caller = this.#arrive(channel)
    await this.#world.fence.look(caller, type)
    return this.#world
      .standing(`${type}/`)
      .filter((object) => !this.#world.fence.isHidden(caller, object))
  }

  /** An upload that fails before it is decided: the disk is full, say. */
  fail(object: ObjectName, channel: Channel): void {
    this.#world.fence.uploading(this.#arrive(channel), object)
  }

  /** `isLost`: the answer does not reach the client. */
  async post(
    object: ObjectName,
    channel: Channel,
    options: { isLost?: boolean; size?: number } = {},
  ): Promise<Told> {
    const caller = this.#arrive(channel)
    this.#world.fence.uploading(caller, object)
    const { decision, recorded } = await this.#world.fence.upload(caller, {
      object,
      size: options.size ?? 100,
      staged: this.#world.random.hex(4),
      present: this.#isPresent(object) ? 'same' : 'absent',
    })
    await this.#world.fence.countTry(decision)
    await this.#world.carryOut(recorded)
    if (options.isLost !== true) this.#world.fence.delivered(caller, object)
    return toldOf(decision)
  }

  async delete(object: ObjectName, channel: Channel): Promise<Told> {
    const caller = this.#arrive(channel)
    const isPresent = this.#isPresent(object)
    const { decision, recorded } = await this.#world.fence.delete(caller, { object, isPresent })
    await this.#world.carryOut(recorded)
    return toldOf(decision)
  }

  /** Reads one object. */
  read(object: ObjectName, channel: Channel): void {
    const caller = this.#arrive(channel)
    if (typeOf(object) === 'locks') this.#world.fence.readLock(caller, object)
    else this.#world.fence.read(caller, typeOf(object))
  }

  /** Any request that proves that the channel is alive. */
  ping(channel: Channel): void {
    this.#arrive(channel)
  }

  /**
   * Opens, locks and looks, as every locking restic command does. A label that begins with P or R is that of a prune or a
   * repair, which list packs too.
   */
  async begin(label: string, channel: Channel): Promise<Told> {
    await this.open(channel)
    await this.list('locks', channel)
    const told = await this.post(lock(label), channel)
    await this.list('locks', channel)
    await this.look(channel)
    if (/^[PR]/i.test(label)) await this.list('data', channel)
    return told
  }

  async look(channel: Channel): Promise<void> {
    await this.list('snapshots', channel)
    await this.list('index', channel)
  }

  #isPresent(object: ObjectName): boolean {
    const { disk, fence } = this.#world
    return disk.has(object) && !fence.state.pendingDeletions.has(object)
  }

  #arrive(channel: Channel): ReturnType<RepositoryFence['caller']> {
    const tag = this.#tag === undefined ? {} : { tag: this.#tag }
    const caller = this.#world.fence.caller(channel, { client: this.#client, ...tag })
    this.#world.fence.arrive(caller)
    return caller
  }
}

export function toldOf(decision: Decision): Told {
  const { verdict } = decision
  switch (verdict.kind) {
    case 'commit':
    case 'done':
      return 'ok'
    case 'refuse':
      return verdict.story.reason
    case 'knock':
      return 'knock'
    case 'plain':
      return 'exists'
  }
}
