/**
 * One repository as it would be with some items of its quarantine released: it is only read, and it knows what was read
 * of it. A run that has listed all and read each index and snapshot to its end has seen the whole.
 */
import {
  typeOf,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import type { ReadProof } from '../../fencing/journal/event.js'
import type { ListEntry, ObjectStore, OpenObject } from '../../fencing/ports.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import { isOpen, type Item } from '../../fencing/state/item.js'
import type { Visitor } from '../gate/gate.js'
import type { ReadableRepository } from '../rest/call.js'
import { watchReading } from './whole-reading.js'

export type OverlayId = string & { readonly __brand: 'OverlayId' }

/** unread: nobody has begun. reading: a run is at it, or has left before the end. read: the whole was. spoiled: it has changed since. */
export type OverlayState = 'unread' | 'reading' | 'read' | 'spoiled'

export interface OverlayOptions {
  readonly id: OverlayId
  readonly store: ObjectStore
  readonly fence: RepositoryFence
  readonly items: readonly Item[]
}

const config = 'config' as ObjectName
const wholeTypes: readonly ListedType[] = ['index', 'snapshots', 'data']

/** One run: from its look at the config until its last channel closes. */
interface Run {
  readonly channels: Set<string>
  readonly listed: Map<ListedType, number>
  readonly unread: Set<ObjectName>
  readonly packsRead: Set<ObjectName>
}

export class Overlay implements ReadableRepository {
  readonly #options: OverlayOptions
  readonly #items: ReadonlyMap<ObjectName, Item>
  #run: Run | undefined
  #proof: ReadProof | undefined
  #isSpoiled = false

  constructor(options: OverlayOptions) {
    this.#options = options
    this.#items = new Map(options.items.map((item) => [item.object, item]))
  }

  get id(): OverlayId {
    return this.#options.id
  }

  get repository(): RepositoryId {
    return this.#options.fence.repository
  }

  get items(): readonly Item[] {
    return this.#options.items
  }

  /** Undefined too while a deletion is under way, which has been decided and is not yet told of. */
  get proof(): ReadProof | undefined {
    const { pendingDeletions } = this.#options.fence.state
    const isShrinking = [...pendingDeletions.keys()].some(isLeanedOn)
    return this.#isSpoiled || isShrinking ? undefined : this.#proof
  }

  get state(): OverlayState {
    if (this.#isSpoiled) return 'spoiled'
    if (this.#proof !== undefined) return 'read'
    return this.#run === undefined ? 'unread' : 'reading'
  }

  /** How many indexes and snapshots the run has still to read. */
  get left(): number {
    return this.#run?.unread.size ?? 0
  }

  /** An index or a pack left the repository, or an item its quarantine, so what was read stands no longer. */
  spoil(): void {
    if (this.#run === undefined) return
    this.#isSpoiled = true
    this.#run = undefined
  }

  /** A run begins at its look at the config. */
  async begin(visitor: Visitor, repository: RepositoryId): Promise<number | undefined> {
    const size = await this.#options.store.stat(repository, config)
    if (size === undefined) return undefined
    this.#isSpoiled = false
    this.#proof = undefined
    this.#run = {
      channels: new Set(),
      listed: new Map(),
      unread: new Set(),
      packsRead: new Set(),
    }
    this.#heard(visitor)
    return size
  }

  async stat(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
  ): Promise<number | undefined> {
    this.#heard(visitor)
    const item = this.#itemAt(object)
    if (item !== undefined) return item.size
    return this.#isGone(object) ? undefined : this.#options.store.stat(repository, object)
  }

  async list(
    visitor: Visitor,
    repository: RepositoryId,
    type: ListedType,
  ): Promise<ListEntry[] | undefined> {
    this.#heard(visitor)
    const entries = await this.#options.store.list(repository, type)
    if (entries === undefined) return undefined
    const there = entries.filter(({ id }) => !this.#isGone(nameOf(type, id)))
    const names = new Set(there.map(({ id }) => nameOf(type, id)))
    const added = [...this.#items.values()].filter((item) => {
      return typeOf(item.object) === type && isOpen(item) && !names.has(item.object)
    })
    const all = [...there, ...added.map(({ object, size }) => ({ id: idOf(object), size }))]
    this.#listed(type, all)
    return all
  }

  async open(
    visitor: Visitor,
    repository: RepositoryId,
    object: ObjectName,
  ): Promise<OpenObject | undefined> {
    this.#heard(visitor)
    const opened = await this.#opened(repository, object)
    const run = this.#run
    if (opened === undefined || run === undefined) return opened
    if (typeOf(object) === 'data') run.packsRead.add(object)
    return watchReading(opened, () => run.unread.delete(object))
  }

  /** Nobody's channel says anything here: nobody writes. */
  knows(): boolean {
    return true
  }

  /** A channel of any client has closed: with its last one a run ends, and if it has read all, that is a proof. */
  closed(channel: string): void {
    const run = this.#run
    if (run?.channels.delete(channel) !== true || run.channels.size > 0) return
    const { listed, unread, packsRead } = run
    if (unread.size > 0 || !wholeTypes.every((type) => listed.has(type))) return
    this.#proof = {
      overlay: this.id,
      indexes: listed.get('index') ?? 0,
      snapshots: listed.get('snapshots') ?? 0,
      packs: listed.get('data') ?? 0,
      packsRead: packsRead.size,
    }
  }

  async #opened(repository: RepositoryId, object: ObjectName): Promise<OpenObject | undefined> {
    const { store } = this.#options
    const item = this.#itemAt(object)
    if (item !== undefined) {
      return store.openHeld(repository, { area: 'quarantine', id: item.id })
    }
    return this.#isGone(object) ? undefined : store.open(repository, object)
  }

  #listed(type: ListedType, entries: readonly ListEntry[]): void {
    const run = this.#run
    if (run === undefined) return
    const isFirst = !run.listed.has(type)
    run.listed.set(type, entries.length)
    if (!isFirst || (type !== 'index' && type !== 'snapshots')) return
    for (const { id } of entries) run.unread.add(nameOf(type, id))
  }

  /** Undefined too once it was released: it stands in the repository then. */
  #itemAt(object: ObjectName): Item | undefined {
    const item = this.#items.get(object)
    return item !== undefined && isOpen(item) ? item : undefined
  }

  #heard({ channel }: Visitor): void {
    this.#run?.channels.add(channel.id)
  }

  /** Its deletion is recorded, and may still have to be carried out. */
  #isGone(object: ObjectName): boolean {
    return this.#options.fence.state.pendingDeletions.has(object)
  }
}

/** Snapshots lean on it. */
export function isLeanedOn(object: ObjectName): boolean {
  return ['data', 'index'].includes(typeOf(object))
}

function nameOf(type: ListedType, id: string): ObjectName {
  return `${type}/${id}` as ObjectName
}

function idOf(object: ObjectName): string {
  return object.slice(object.indexOf('/') + 1)
}
