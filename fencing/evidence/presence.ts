/** Keeps what only this run of the gateway has heard: channels and their senders, when a writer was heard, what was tried. */
import type { Position, SenderId, WriterId } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { HeardNote } from '../ports.js'
import { RecentMap } from './recent-map.js'
import type { Sender } from './sender.js'

/** The thing requests arrive on: a TCP connection, an HTTP/2 session, a mount's calling process. */
export interface Channel {
  readonly id: string
  /** Monotonic milliseconds. */
  readonly openedAt: number
  /** What a person may know it by: an address and port, or a proxy's name for it. */
  readonly from?: string
  /** A proxy hides who is behind it: such a channel says nothing of its sender. */
  readonly isHidden: boolean
  /** Requests come on it ahead of the answers to earlier ones: over HTTP/2, or pipelined. */
  isMultiplexed?: boolean
  /** A living client keeps it open while it is idle for less than 90 s (docs/RESTIC.md): an early end is an exit. */
  staysOpen?: boolean
}

/** One channel as one repository sees it. */
export interface ChannelState {
  readonly channel: Channel
  /** From its first request on, unless it says nothing of its sender. */
  sender?: Sender
  /** Requests on it contradict each other: a proxy that nobody declared stands before it, so it says nothing. */
  isMixed: boolean
  /** The writer that opened on it first, and those that did after it. */
  opened?: WriterId
  openedLater?: WriterId[]
  /** What the first request on it said of its process. */
  constants?: string
  /** Uploads whose answer went out on it, with no further request on it since. */
  unconfirmed: ObjectName[]
  lastRequestAt: number
  /** When the request before it arrived, the answer to which came before the last was sent; undefined before that one. */
  precedingRequestAt?: number
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
  /** The connection of that, as a person may know it. */
  lastHeardFrom?: string | undefined
  /** When something came that may have been its, or another's. */
  mayBeHeardAt: number
  /** What an earlier run of the gateway noted. */
  earlier?: HeardNote
  /** When its client closed, soon after its last request, the channel of its opening or the one it was last heard on. */
  exitedAt?: number
  /** The last request on that channel. */
  lastBeforeExit?: number
  /** A channel that is surely its was closed in another way, so its client may live. */
  mayLive: boolean
  /** Its client may close a connection that is idle for less than 90 s, as rclone does. */
  closesEarly: boolean
  /** The journal's head when it last asked, on a channel surely its, for an index, a snapshot or a pack. */
  workedAt: Position
  /** How often it may have listed locks: `unlock` does once, and who waits for its lock again and again. */
  lockListsMax: number
  /** A lock that may be its was deleted by whoever posted it. */
  mayHaveReleased: boolean
}

export type PatienceLeft = 'first' | 'again' | 'exhausted'

export interface Patience {
  readonly since: number
  readonly last: number
}

/** The deletion of a lock, whose deleter may become known later. */
export interface Unlocking {
  readonly sender: Sender
  /** The journal's head when it arrived. */
  readonly arrivedAt: Position
  /** What it says of an ending has been recorded. */
  isDecided?: boolean
  /** The journal's head at a moment when its channel's client was there before the deletion was sent. */
  readonly outlived: Position
}

const uploadsMax = 20_000
const closedMax = 1_000
const sendersMax = 20_000
const lockingsMax = 10_000
/** Patience is 8 minutes, since a lock refresh comes every 5 and says whose its channel is (docs/DESIGN.md). */
export const patienceMs = 8 * 60_000
export const patienceGapMs = 2 * 60_000
/**
 * A process that exits closes its connections at once; a living restic only after 90 s idle, and a living rclone after
 * 60 s by its own clock (docs/RESTIC.md). A margin is left for both.
 */
const exitingCloseMs = 55_000
/** A client closes a connection that has been idle for so long, and uses it for its next request before. */
export const idleCloseMs = 90_000
const exitingCloseOfResticMs = 80_000

/** `idleMs`: how long its channel had been idle when the client closed it. */
export function isExitAfter({ staysOpen }: Channel, idleMs: number): boolean {
  return idleMs <= (staysOpen === true ? exitingCloseOfResticMs : exitingCloseMs)
}

export class Presence {
  readonly startedAt: number
  readonly writers = new Map<WriterId, WriterPresence>()
  readonly #channels = new Map<string, ChannelState>()
  /** Those that have closed: a request that came on one before may reach the core only now. */
  readonly #closed = new RecentMap<string, ChannelState>(closedMax)
  /** Senders whose process has exited: a writer that is heard on a channel of its own after that is none of them. */
  readonly #exited = new RecentMap<Sender, true>(closedMax)
  /** By every id that the journal has for them. */
  readonly senders = new RecentMap<SenderId, Sender>(sendersMax)
  /** Upload names are unique to a process: which sender tried each. */
  readonly uploaders = new RecentMap<ObjectName, Sender>(uploadsMax)
  /** Uploads that came more than once: a deletion that took one of the tries back may still be on its way. */
  readonly repeated = new RecentMap<ObjectName, true>(uploadsMax)
  readonly uploads = new RecentMap<ObjectName, true>(uploadsMax)
  /** What was tried and has not come about: the journal's head when the first try was heard of. */
  readonly triedInVain = new RecentMap<ObjectName, Position>(uploadsMax)
  /** Since when each object's tries have been deferred. */
  readonly patience = new RecentMap<ObjectName, Patience>(uploadsMax)
  /** Locks that were deleted while it was not certain by whom, or whose they were. */
  readonly unlockings = new RecentMap<ObjectName, Unlocking>(closedMax)
  readonly locksHeard = new Map<ObjectName, number>()
  /** Locks that came under this run of the gateway, until it is proved that whoever posted them deleted them. */
  readonly lockings = new Map<ObjectName, Sender>()
  /** There were too many to remember. */
  hasLostLockings = false
  /** How often evidence contradicted what was known of a channel. */
  contradictions = 0
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
        isMixed: false,
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

  /** The senders of what the journal has that may be this writer among others. */
  unknownSenders(writer: WriterId): Sender[] {
    const senders: Sender[] = []
    for (const [, { current }] of this.senders.entries()) {
      if (current.only === undefined && current.mayBe(writer)) senders.push(current)
    }
    return senders
  }

  /** Whether it is known which writer sends on this channel. */
  isKnown(channelId: string): boolean {
    return this.#channels.get(channelId)?.sender?.only !== undefined
  }

  /** Whether an open channel is surely one of these writers', so that their client may use it for its next try. */
  hasKnownChannel(writers: readonly WriterId[]): boolean {
    for (const { sender } of this.#channels.values()) {
      if (sender?.only !== undefined && writers.includes(sender.only)) return true
    }
    return false
  }

  /** Whether an open channel other than this one is surely this writer's and has been heard since then. */
  wasHeardElsewhere(id: WriterId, here: ChannelState, since: number): boolean {
    for (const state of this.#channels.values()) {
      const isOther = state !== here && state.sender?.only === id
      if (isOther && state.lastRequestAt >= since) return true
    }
    return false
  }

  born(id: WriterId, monotonic: number): void {
    this.writers.set(id, newPresence(monotonic, monotonic))
  }

  /** Nothing that was heard on a mixed channel says any more which process sent it. */
  mix(state: ChannelState): void {
    state.isMixed = true
    delete state.sender
  }

  of(id: WriterId): WriterPresence {
    let presence = this.writers.get(id)
    if (presence === undefined) {
      presence = newPresence(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)
      presence.mayLive = true
      presence.lockListsMax = Number.POSITIVE_INFINITY
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

  /** A writer is heard on a channel that is surely its own: the senders that have exited and may be it. */
  exitedSenders(writer: WriterId): Sender[] {
    const senders: Sender[] = []
    for (const [sender] of this.#exited.entries()) {
      if (sender.only !== undefined) this.#exited.delete(sender)
      else if (sender.mayBe(writer)) senders.push(sender)
    }
    return senders
  }

  closed(channelId: string, byClient: boolean, monotonic: number): void {
    const state = this.#channels.get(channelId) ?? this.#closed.get(channelId)
    if (state === undefined) return
    this.#channels.delete(channelId)
    this.#closed.set(channelId, state)
    const { sender, opened, openedLater = [], channel } = state
    const isExit = byClient && isExitAfter(channel, monotonic - state.lastRequestAt)
    if (
      isExit &&
      channel.staysOpen === true &&
      sender !== undefined &&
      sender.only === undefined
    ) {
      this.#exited.set(sender.current, true)
    }
    for (const id of new Set([opened, sender?.only, ...openedLater])) {
      if (id === undefined) continue
      const presence = this.of(id)
      const isLastHeard = sender?.only === id && state.lastRequestAt >= presence.lastHeardAt
      if (isExit && (isLastHeard || id === opened || id !== sender?.only)) {
        presence.exitedAt = monotonic
        presence.lastBeforeExit = state.lastRequestAt
      }
      if (isExit && isLastHeard) presence.mayLive = false
      // What became of a channel that its client left for another says nothing once that other was closed at its exit.
      const isOlder =
        state.lastRequestAt < (presence.lastBeforeExit ?? Number.NEGATIVE_INFINITY)
      if (!isExit && !isOlder) presence.mayLive = true
    }
  }

  /** Its client has exited, as far as the channels tell that are surely its. */
  hasExited(id: WriterId): boolean {
    const { exitedAt, mayLive } = this.of(id)
    return exitedAt !== undefined && !mayLive
  }

  /** The writers whose client may have an open channel; on a mixed one anybody may send. */
  connected(): Set<WriterId> {
    const ids = new Set<WriterId>()
    for (const { sender, opened, openedLater = [] } of this.#channels.values()) {
      if (opened !== undefined) ids.add(opened)
      for (const id of openedLater) ids.add(id)
      for (const id of sender?.candidates ?? []) ids.add(id)
    }
    return ids
  }

  /** Whether what is deferred now is deferred for the first time, again, or for so long that it must be decided. */
  patienceFor(object: ObjectName, sender: Sender, monotonic: number): PatienceLeft {
    if (sender.current.isOutOfPatience) return 'exhausted'
    const patience = this.patience.get(object)
    if (patience === undefined || monotonic - patience.last > patienceGapMs) return 'first'
    return monotonic - patience.since >= patienceMs ? 'exhausted' : 'again'
  }

  deferred(object: ObjectName, monotonic: number): void {
    const earlier = this.patience.get(object)
    const goesOn = earlier !== undefined && monotonic - earlier.last <= patienceGapMs
    this.patience.set(object, { since: goesOn ? earlier.since : monotonic, last: monotonic })
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

  /** A lock arrives, whatever becomes of it. */
  lockArrived(lock: ObjectName, sender: Sender): void {
    if (this.lockings.size >= lockingsMax) this.hasLostLockings = true
    else this.lockings.set(lock, sender)
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
    mayBeHeardAt: Number.NEGATIVE_INFINITY,
    mayLive: false,
    closesEarly: false,
    workedAt: -1,
    lockListsMax: 0,
    mayHaveReleased: false,
  }
}
