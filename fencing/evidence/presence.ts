/** Knows what only this run of the gateway has seen: channels, when a writer was heard of, what was tried when. */
import type { Position, WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import { RecentMap } from './recent-map.js'

/** The thing requests arrive on: a TCP connection, an HTTP/2 session, a mount's calling process. */
export interface Channel {
  readonly id: string
  /** Monotonic milliseconds. */
  readonly openedAt: number
  /** A proxy hides who is behind it: such a channel says nothing of whose it is. */
  readonly isHidden: boolean
  /** Requests come on it ahead of the answers to earlier ones: over HTTP/2, or pipelined. */
  isMultiplexed?: boolean
}

/** How a channel came to be a writer's. */
export type Binding =
  | { readonly writer: WriterId; readonly by: 'opening' }
  /** `isProof`: nobody else could have deleted that lock (every other candidate had locked). */
  | { readonly writer: WriterId; readonly by: 'lock'; readonly isProof: boolean }

/** One channel as one repository sees it. */
export interface ChannelState {
  readonly channel: Channel
  binding?: Binding
  /** Two openings came on it, so a proxy that nobody declared stands before it. */
  isShared: boolean
  /** It carried a listing that is a look, or an upload or a deletion of anything but a lock. */
  hasWorked: boolean
  /** The lock without an owner that was posted last on it. */
  lastLock?: ObjectName
  /** Uploads whose answer went out on it, with no further request on it since. */
  unconfirmed: ObjectName[]
  lastRequestAt: number
  /** The journal's head when its last request arrived; 0 before the first. */
  lastRequestPosition: Position
  /** Its client was there after all that had come about up to here. */
  outlived: Position
}

/** What this run of the gateway has heard of one writer. */
export interface WriterPresence {
  /** Monotonic milliseconds; minus infinity where it was born before this run. */
  readonly bornAt: number
  lastHeardAt: number
  readonly openChannels: Set<string>
  /** Every channel of its was closed by the client itself, soon after its last request. */
  closedItself: boolean
  lastClosedAt: number
}

export interface Patience {
  since: number
  last: number
}

const postersMax = 20_000
const closedMax = 1_000
/** Patience is 8 minutes, since a lock refresh comes every 5 and binds a channel (DESIGN.md). */
export const patienceMs = 8 * 60_000
const patienceGapMs = 2 * 60_000
/**
 * A process that exits closes its lines at once; a living restic only after 90 s idle (RESTIC.md section 5), and a living
 * rclone after 60 s by its own clock.
 */
const exitingCloseMs = 45_000

export class Presence {
  readonly startedAt: number
  readonly writers = new Map<WriterId, WriterPresence>()
  readonly #channels = new Map<string, ChannelState>()
  /** Those that have closed: a request that came on one before may reach the core only now. */
  readonly #closed = new RecentMap<string, ChannelState>(closedMax)
  /** Upload names are unique to a process: who posted each. */
  readonly posters = new RecentMap<ObjectName, WriterId>(postersMax)
  /** Uploads that came more than once: a deletion that took one of the tries back may still be on its way. */
  readonly repeated = new RecentMap<ObjectName, true>(postersMax)
  readonly uploads = new RecentMap<ObjectName, true>(postersMax)
  /** What was tried and has not come about: the journal's head when the first try was heard of. */
  readonly triedInVain = new RecentMap<ObjectName, Position>(postersMax)
  /** Since when each object's tries have been put off. */
  readonly patience = new RecentMap<ObjectName, Patience>(postersMax)
  readonly locksHeard = new Map<ObjectName, number>()
  #locksSince: number

  constructor(startedAt: number) {
    this.startedAt = startedAt
    this.#locksSince = startedAt
  }

  channel(channel: Channel, monotonic: number): ChannelState {
    let state = this.#channels.get(channel.id) ?? this.#closed.get(channel.id)
    if (state === undefined) {
      state = {
        channel,
        isShared: false,
        hasWorked: false,
        unconfirmed: [],
        lastRequestAt: monotonic,
        lastRequestPosition: 0,
        outlived: 0,
      }
      this.#channels.set(channel.id, state)
    }
    return state
  }

  channels(): Iterable<ChannelState> {
    return this.#channels.values()
  }

  isBound(channelId: string): boolean {
    return this.#channels.get(channelId)?.binding !== undefined
  }

  born(id: WriterId, monotonic: number): void {
    this.writers.set(id, newPresence(monotonic, monotonic))
  }

  bind(state: ChannelState, binding: Binding): void {
    state.binding = binding
    this.of(binding.writer).openChannels.add(state.channel.id)
  }

  /** A second opening on one channel: a proxy mixes processes on it, so it is nobody's from now on. */
  share(state: ChannelState): void {
    state.isShared = true
    if (state.binding === undefined) return
    const presence = this.of(state.binding.writer)
    presence.openChannels.delete(state.channel.id)
    presence.closedItself = false
    delete state.binding
  }

  of(id: WriterId): WriterPresence {
    let presence = this.writers.get(id)
    if (presence === undefined) {
      presence = newPresence(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)
      presence.closedItself = false
      this.writers.set(id, presence)
    }
    return presence
  }

  forget(id: WriterId): void {
    this.writers.delete(id)
  }

  heard(id: WriterId, monotonic: number): void {
    this.of(id).lastHeardAt = monotonic
  }

  closed(channelId: string, byClient: boolean, monotonic: number): void {
    const state = this.#channels.get(channelId) ?? this.#closed.get(channelId)
    if (state === undefined) return
    this.#channels.delete(channelId)
    this.#closed.set(channelId, state)
    if (state.binding === undefined) return
    const presence = this.of(state.binding.writer)
    presence.openChannels.delete(channelId)
    presence.lastClosedAt = monotonic
    if (!byClient || monotonic - state.lastRequestAt > exitingCloseMs)
      presence.closedItself = false
  }

  /** Notes a knocked try and answers whether the patience for this object has run out. */
  tried(object: ObjectName, monotonic: number): 'first' | 'again' | 'exhausted' {
    const patience = this.patience.get(object)
    if (patience === undefined || monotonic - patience.last > patienceGapMs) {
      this.patience.set(object, { since: monotonic, last: monotonic })
      return 'first'
    }
    patience.last = monotonic
    return monotonic - patience.since >= patienceMs ? 'exhausted' : 'again'
  }

  /** Notes a try of an upload that arrived at this head of the journal, whatever becomes of it. */
  uploaded(object: ObjectName, arrivedAt: Position): void {
    if (this.uploads.get(object) === true) this.repeated.set(object, true)
    this.uploads.set(object, true)
    this.triedAt(object, arrivedAt)
  }

  /**
   * Notes the deletion of what is not there: it takes back a try that failed, whether or not that try was ever heard of,
   * and either of them may come once more, when a later try has succeeded or its run has ended.
   */
  tookBack(object: ObjectName, arrivedAt: Position): void {
    this.repeated.set(object, true)
    this.triedAt(object, arrivedAt)
  }

  /** Notes since when a copy of a request for this object may come that says nothing of its sender. */
  triedAt(object: ObjectName, arrivedAt: Position): void {
    if (this.triedInVain.get(object) === undefined) this.triedInVain.set(object, arrivedAt)
  }

  settled(object: ObjectName): void {
    this.patience.delete(object)
  }

  /** When a lock was posted, or this run began to watch it. */
  lockHeardAt(lock: ObjectName): number {
    return Math.max(this.locksHeard.get(lock) ?? this.#locksSince, this.#locksSince)
  }

  lockPosted(lock: ObjectName, monotonic: number): void {
    this.locksHeard.set(lock, monotonic)
  }

  lockGone(lock: ObjectName): void {
    this.locksHeard.delete(lock)
  }

  /** After a suspend or a jump of the clock every lock gets its whole time again. */
  renewLocks(monotonic: number): void {
    this.#locksSince = monotonic
  }
}

function newPresence(bornAt: number, lastHeardAt: number): WriterPresence {
  return {
    bornAt,
    lastHeardAt,
    openChannels: new Set(),
    closedItself: true,
    lastClosedAt: Number.NEGATIVE_INFINITY,
  }
}
