/** What every decision is made from: the journal's state, what this run has heard, the request and the time. */
import type {
  Author,
  Client,
  ItemId,
  JournalEvent,
  Position,
  SenderId,
  WriterId,
} from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Random } from '../ports.js'
import type { ChannelState, Presence } from '../evidence/presence.js'
import type { Sender } from '../evidence/sender.js'
import type { RepositoryState } from '../state/repository-state.js'

export interface Settings {
  /** A lock not refreshed for so long is hidden from other writers (rule 6). */
  readonly lockTimeoutMs: number
  /** A writer silent for so long has ended: a stated limit of the promise. */
  readonly writerAgeMaxMs: number
  /** Nothing is protected: what would be refused is noted, counted and carried out (observing.ts). */
  readonly isObserving: boolean
}

export const defaultSettings: Settings = {
  lockTimeoutMs: 30 * 60_000,
  writerAgeMaxMs: 14 * 24 * 60 * 60_000,
  isObserving: false,
}

export interface Context {
  readonly state: RepositoryState
  readonly presence: Presence
  readonly settings: Settings
  readonly random: Random
  /** Milliseconds since the epoch: for people. */
  readonly now: number
  readonly monotonic: number
  /** The running time, as the records have it. */
  readonly running: number
}

/** Who sends a request, as far as the request itself says. */
export interface Caller {
  readonly channel: ChannelState
  /** The process that sends it: its channel's, or where the channel says nothing, one for this request alone. */
  readonly sender: Sender
  /** What its process sends with every request, beside tag and user; undefined where its door has none of it. */
  readonly constants?: string
  /** The journal's head when the request before it came on its channel; 0 for the first. */
  readonly follows: Position
  /** The journal's head when this request arrived: it may be held for long before it is decided. */
  readonly arrivedAt: Position
  readonly client: Client
  readonly tag?: string
  /** An opening failed on its channel: its process asks again, and so may be born later than the channel. */
  readonly hasFailedToOpen?: true
  /** With this request a process begins. */
  readonly isOpening?: boolean
  /** The door's name for the request. */
  readonly request?: string
}

export function sureAuthor(writer: WriterId): Author {
  return { kind: 'writer', writer }
}

export function newWriterId(context: Context): WriterId {
  for (;;) {
    const id = `w-${context.random.hex(4)}` as WriterId
    if (!context.state.writers.has(id)) return id
  }
}

export function newSenderId({ random }: Pick<Context, 'random'>): SenderId {
  return `s-${random.hex(6)}` as SenderId
}

export function newItemId(context: Context): ItemId {
  for (;;) {
    const id = `q-${context.random.hex(3)}` as ItemId
    if (!context.state.items.has(id)) return id
  }
}

/** Deletions of all locks of a writer that is fenced or has ended: they leave the repository with it. */
export function lockDeletions(
  context: Context,
  id: WriterId,
  cause: 'fenced' | 'ended',
): JournalEvent[] {
  const locks: Iterable<ObjectName> = context.state.writers.get(id)?.locks ?? []
  return [...locks].map((object) => ({
    kind: 'deleted',
    object,
    author: sureAuthor(id),
    cause,
  }))
}
