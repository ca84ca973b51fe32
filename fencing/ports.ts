/** What the core asks of the world: objects, a journal's storage, time and randomness. Contracts only. */
import type { Readable } from 'node:stream'
import type { ListedType, ObjectName, RepositoryId } from './object.js'

/** Dates, for people; and counts of milliseconds that no jump of the date moves, from which everything is decided. */
export interface Clock {
  /** Milliseconds since the epoch: to be shown, never to be decided on. */
  readonly now: () => number
  /** Milliseconds from an arbitrary start; never goes back within one run of the gateway. */
  readonly monotonic: () => number
  /** The running time: how long gateways have run over this state. A crash may lose its last minute. */
  readonly running: () => number
  /** Calls back once after so many milliseconds; the answer cancels it. */
  readonly timer: (ms: number, callback: () => void) => () => void
}

/** Names for writers, staged bodies and quarantined items. */
export interface Random {
  /** A string of `bytes` random bytes in lower-case hex. */
  readonly hex: (bytes: number) => string
}

export type BackendErrorCode =
  | 'not-found'
  | 'no-space'
  | 'corrupt'
  | 'conflict'
  | 'locked'
  | 'newer-state'
  | 'not-allowed'
  /** A link stands in the way to what was asked for. */
  | 'linked'
  /** More bytes than an object of this kind can have, or more repositories than may be there. */
  | 'too-large'
  | 'too-many'
  | 'unavailable'

/** A fault of the world (not a refusal): a store or the journal's storage could not do what was asked. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly code: BackendErrorCode

  constructor(code: BackendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Bytes that are held outside the repository: being received, or kept in quarantine. */
export interface Held {
  readonly area: 'staging' | 'quarantine'
  /** Lower-case letters, digits and dashes only. */
  readonly id: string
}

export interface Staged {
  readonly size: number
  /** SHA-256 of the bytes, 64 lower-case hex digits. */
  readonly sha256: string
}

export interface ListEntry {
  /** The last part of the name: 64 hex digits. */
  readonly id: string
  /** Bytes. */
  readonly size: number
  /** When it was written, in milliseconds since the epoch, where the store knows. */
  readonly modifiedMs?: number
}

/** An inclusive range of bytes. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Where bytes lie, or are to lie, in a file of this machine. */
export interface FilePlace {
  readonly path: string
  /** Tells this file from every other that may ever have the path, also as another process sees it. */
  readonly identity: string
}

/**
 * Another process of this user that writes bytes itself. It is told where, and resolves with the SHA-256 of all of them
 * once none is on its way any more; `more` hears of each part before it is written, and may throw.
 */
export type OutsideWriter = (
  place: FilePlace,
  more: (bytes: number) => void,
) => Promise<Staged['sha256']>

export interface OpenObject {
  /** The whole object's size in bytes, whatever range is read. */
  readonly size: number
  /** Only where it lies in a file as it is. */
  readonly place?: FilePlace
  /** When it was written, in milliseconds since the epoch, where the store knows. */
  readonly modifiedMs?: number
  /**
   * Streams the bytes of `range` (all of them without one). Must be called at most once; whoever opens must either
   * read the stream to its end, destroy it, or call `close`.
   */
  readonly read: (range?: ByteRange) => Readable
  /**
   * Fills the buffer from this position on; answers how far, and 0 only where there is no more. May be called often, one
   * call after another; then `close`.
   */
  readonly readInto: (buffer: Buffer, position: number) => Promise<number>
  readonly close: () => Promise<void>
}

/**
 * Where objects live. All faults are BackendErrors. Every mutating call may be repeated after a crash with the same
 * result, and what it promised is durable (survives power loss) when it resolves.
 */
export interface ObjectStore {
  /** Makes the repository's folders; those of its packs (data/00 … data/ff) come with the first. Repeating it changes nothing. */
  readonly create: (repository: RepositoryId) => Promise<void>
  /** True where a repository, or the beginning of one, stands: its folder holds `config` or a listed type's folder. */
  readonly exists: (repository: RepositoryId) => Promise<boolean>
  /** The ids of all repositories below the root, to the allowed depth. Does not walk `data/`. */
  readonly repositories: () => Promise<RepositoryId[]>

  /** The size in bytes, or undefined where there is no such object. */
  readonly stat: (repository: RepositoryId, object: ObjectName) => Promise<number | undefined>
  /** Undefined where there is no such object. */
  readonly open: (
    repository: RepositoryId,
    object: ObjectName,
  ) => Promise<OpenObject | undefined>
  /** Size and SHA-256 of an object as it stands, or undefined where there is none. */
  readonly digest: (repository: RepositoryId, object: ObjectName) => Promise<Staged | undefined>
  /**
   * In no order. Files that are no objects are left out. Undefined where the repository or the folder is missing. With
   * a prefix (two hex digits) at least those whose id begins with it are answered, so that one folder of `data/` can be
   * listed without reading the others.
   */
  readonly list: (
    repository: RepositoryId,
    type: ListedType,
    prefix?: string,
  ) => Promise<ListEntry[] | undefined>

  /** Only where the store has a bound of its own: throws `no-space` where so many more bytes surely do not fit. */
  readonly requireSpace?: (object: ObjectName, bytes: number) => void
  /**
   * Receives a body into staging, on the file system of its target, hashing on the way; durable when it resolves. A body
   * that ends with an error, or the signal, leaves nothing behind. `object` is what the bytes are to become: it only
   * says on which file system, where a repository lies on several.
   */
  readonly stage: (
    repository: RepositoryId,
    id: string,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
    object?: ObjectName,
  ) => Promise<Staged>
  /** Only where bytes are held in files: as `stage`, but of bytes that somebody else writes there. */
  readonly stageOutside?: (
    repository: RepositoryId,
    id: string,
    object: ObjectName,
    write: OutsideWriter,
  ) => Promise<Staged>
  /**
   * Moves held bytes to the object's final name without replacing anything. `exists`: the name was taken, and the held
   * bytes are still held. `gone`: there are no such held bytes (an earlier call may have moved them).
   */
  readonly publish: (
    repository: RepositoryId,
    held: Held,
    object: ObjectName,
  ) => Promise<'published' | 'exists' | 'gone'>
  /** Moves staged bytes into quarantine. False where they are not staged (an earlier call may have moved them). */
  readonly keep: (
    repository: RepositoryId,
    stagedId: string,
    itemId: string,
  ) => Promise<boolean>
  /** Drops held bytes; dropping what is not there is no error. */
  readonly discard: (repository: RepositoryId, held: Held) => Promise<void>
  readonly openHeld: (repository: RepositoryId, held: Held) => Promise<OpenObject | undefined>
  /** The ids of all that is held in an area. */
  readonly held: (repository: RepositoryId, area: Held['area']) => Promise<string[]>
  /**
   * Only where bytes are held in files: keeps a copy of an object that is about to be removed in quarantine, without a story,
   * in the place of an earlier one of its name.
   */
  readonly setAside?: (repository: RepositoryId, object: ObjectName) => Promise<void>
  /** Removes an object; removing what is not there is no error. */
  readonly remove: (repository: RepositoryId, object: ObjectName) => Promise<void>
  /**
   * For stores that make many removals durable at the price of one: the object is gone for everybody when `unlink`
   * resolves, and stays gone after a loss of power only once `syncUnlinked` of it has resolved. Both or neither.
   */
  readonly unlink?: (repository: RepositoryId, object: ObjectName) => Promise<void>
  readonly syncUnlinked?: (
    repository: RepositoryId,
    objects: readonly ObjectName[],
  ) => Promise<void>
}

/** A journal record as it is stored. `hash` chains it to the one before: see chain.ts. */
export interface StoredRecord {
  /** 1, 2, 3 … within the repository. */
  readonly position: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The event as JSON; hashed as these exact characters. */
  readonly body: string
  /** 64 lower-case hex digits. */
  readonly hash: string
}

export interface JournalHead {
  /** 0 for a repository without records. */
  readonly position: number
  /** The hash of the last record; 64 zeros for a repository without records. */
  readonly hash: string
}

export interface JournalBatch {
  readonly repository: RepositoryId
  /** Positions follow on the repository's head; if they do not, the batch is refused with code `conflict`. */
  readonly records: readonly StoredRecord[]
  /** Positions (of this batch) whose effect on the store is still to be carried out. */
  readonly unsettled: readonly number[]
}

/** What a journal's sealed records were folded into: they lie in archives, and loading begins here. */
export interface JournalBase {
  /** Of the last record that was sealed. */
  readonly position: number
  /** Of that record. */
  readonly hash: string
  /** The state and the archives, as base.ts writes them. */
  readonly text: string
}

/** Where sealed records lie, in files that are never changed. All faults are BackendErrors. */
export interface JournalArchives {
  /** Durable when it resolves; what has the name is replaced. Answers the SHA-256 of the file. */
  readonly write: (name: string, lines: AsyncIterable<string>) => Promise<string>
  /** The lines of an archive. Throws `not-found` where it is missing, `corrupt` where it cannot be read to its end. */
  readonly read: (name: string) => AsyncIterable<string>
}

/** How often an item in quarantine was tried again, beside the chain: a count, not an event. */
export interface TriesNote {
  readonly item: string
  readonly tries: number
  readonly time: number
}

/** When a writer was last heard, beside the chain: for people, and so that a restart still tells who is silent. */
export interface HeardNote {
  readonly writer: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The connection that it was heard on, as a person may know it. */
  readonly from?: string
  /** For how long gateways ran from then on without a request that may be its. */
  readonly silentMs: number
  /** Its client has closed everything, as one that exits does. */
  readonly isGone?: true
}

/**
 * The journal's storage. Calls never block the event loop. A record, once resolved, is durable. Batches are applied in
 * the order of the calls; many may share one transaction of the database, but each is applied wholly or not at all.
 */
export interface JournalStore {
  readonly repositories: () => Promise<RepositoryId[]>
  readonly head: (repository: RepositoryId) => Promise<JournalHead>
  /** Up to `limit` records after a position, in order; those that a base has replaced are not there. */
  readonly read: (
    repository: RepositoryId,
    after: number,
    limit: number,
  ) => Promise<StoredRecord[]>
  /** Positions of the records whose effect may not have been carried out, in order. */
  readonly unsettled: (repository: RepositoryId) => Promise<number[]>
  readonly append: (batch: JournalBatch) => Promise<void>
  /** Notes that effects were carried out. Durable soon, not at once: a crash before repeats the effect. */
  readonly settle: (repository: RepositoryId, positions: readonly number[]) => Promise<void>
  /** Undefined where no records were sealed. */
  readonly base: (repository: RepositoryId) => Promise<JournalBase | undefined>
  /**
   * Puts a base in the place of all records up to its position, in one transaction, and drops the notes of the tries of items
   * that are `over`. `conflict` where that lies beyond the
   * head or not after the base that stands, its record has another hash, or a record up to it is not settled.
   */
  readonly rebase: (
    repository: RepositoryId,
    base: JournalBase,
    over?: readonly string[],
  ) => Promise<void>
  readonly tries: (repository: RepositoryId) => Promise<TriesNote[]>
  readonly noteTries: (repository: RepositoryId, note: TriesNote) => Promise<void>
  readonly heard: (repository: RepositoryId) => Promise<HeardNote[]>
  /** They take the place of those that stood. */
  readonly noteHeard: (repository: RepositoryId, notes: readonly HeardNote[]) => Promise<void>
  readonly close: () => Promise<void>
}
