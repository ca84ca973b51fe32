/** Defines what can stand in the journal: one kind of event for everything that changed a repository, or tried to. */
import type { ListedType, ObjectName } from '../object.js'
import type { LetThroughReason, RefusalReason } from '../rules/refusal.js'

export type WriterId = string & { readonly __brand: 'WriterId' }
export type ItemId = string & { readonly __brand: 'ItemId' }
/** A process that the gateway cannot name for sure: all that it sends is recorded under one id (evidence/sender.ts). */
export type SenderId = string & { readonly __brand: 'SenderId' }
/** A repository's counter of maintenance runs; 1 when it is adopted. */
export type Generation = number & { readonly __brand: 'Generation' }
/** A journal position: 1, 2, 3 … within a repository. */
export type Position = number

export const firstGeneration = 1 as Generation
export function generationAfter(generation: Generation): Generation {
  return (generation + 1) as Generation
}
export function parseWriterId(text: string): WriterId | undefined {
  return /^w-[0-9a-f]{8}$/.test(text) ? (text as WriterId) : undefined
}
export function parseItemId(text: string): ItemId | undefined {
  return /^q-[0-9a-f]{6}$/.test(text) ? (text as ItemId) : undefined
}

/** Who is calling: an authenticated user, else only an address, which suggests and never proves. */
export interface Client {
  readonly user?: string
  readonly address: string
}

/**
 * The one sure writer, or the writers that it may have been; none where no candidate was known. `sender`: what is learnt
 * later of this process narrows the set, here too (`narrowed`).
 */
export type Author =
  | { readonly kind: 'writer'; readonly writer: WriterId }
  | {
      readonly kind: 'unknown'
      readonly candidates: readonly WriterId[]
      readonly sender?: SenderId
    }

/** The maintenance that overtook a refused write; `by` is undefined for an operator's fence, and where nobody knows. */
export interface Run {
  readonly by?: WriterId
  readonly generation: Generation
  /** Somebody pruned the folder past the gateway. */
  readonly isOutside?: true
  /** It was let through while observing though nobody knew whose it was, so it overtakes every view. */
  readonly isNobodys?: true
}

export type Verb = 'upload' | 'deletion'

export type EndingCause = 'unlocked' | 'closed' | 'operator' | 'silence'
export type DeletionCause = 'request' | 'fenced' | 'ended'

/** What a refusal keeps of the bytes: an item in quarantine, with the bytes or (when it was full) without. */
export interface Kept {
  readonly item: ItemId
  /** The staging id that the bytes come from; absent where they were not kept, or are kept already. */
  readonly staged?: string
}

/** What a run read of a repository as it would be with an item: all indexes and snapshots to their end, of some packs a part. */
export interface ReadProof {
  readonly overlay: string
  readonly indexes: number
  readonly snapshots: number
  readonly packs: number
  readonly packsRead: number
}

/**
 * `request` is the door's own name for the request that an event came of, as it stands in the log. `ran` stands in the
 * record only: the running time in milliseconds, since which the age of what it tells of counts. An older gateway did not
 * note it.
 */
export type JournalEvent = EventBody & { readonly request?: string; readonly ran?: number }

type EventBody =
  /** The repository came under this gateway. Each lock that stood there speaks for a run that began before. */
  | {
      readonly kind: 'adopted'
      readonly locks: readonly ObjectName[]
      readonly indexes: readonly ObjectName[]
    }
  /** `view`: the position before the oldest commit that was recorded and not yet published (rules 3 and 8). */
  | {
      readonly kind: 'opened'
      readonly writer: WriterId
      readonly client: Client
      readonly tag?: string
      readonly view: Position
      /** The same for packs, where it differs (rule 8). */
      readonly packView?: Position
      /** What is constant in a process beside its tag and its user; compared, never read. */
      readonly constants?: string
      /** It could not be recorded when it came: `view` is all that it may have seen then. */
      readonly isBelated?: true
    }
  /** `listing` is what was listed: maintenances list packs, and backups never do. An older gateway did not note it. */
  | {
      readonly kind: 'looked'
      readonly writers: readonly WriterId[]
      readonly sure: boolean
      readonly sender?: SenderId
      readonly listing?: ListedType
    }
  /** Evidence has taken writers out of what this process may be: all that was recorded under its id narrows with it. */
  | {
      readonly kind: 'narrowed'
      readonly sender: SenderId
      readonly writers: readonly WriterId[]
      /** The kind of evidence. */
      readonly by: string
    }
  | {
      readonly kind: 'committed'
      readonly object: ObjectName
      readonly size: number
      readonly author: Author
      readonly staged: string
      /** Set on a lock that takes its writer's view again. */
      readonly view?: Position
      readonly packView?: Position
      /** An item that held the same bytes while the writer was knocked. */
      readonly resolves?: ItemId
      /** An earlier try had failed: the deletion that takes it back may still be on its way. */
      readonly isRepeated?: true
    }
  /** A lock that was committed without a sure owner has found one. */
  | { readonly kind: 'owned'; readonly lock: ObjectName; readonly writer: WriterId }
  /** These uploads' answers surely reached their writer. */
  | { readonly kind: 'answered'; readonly objects: readonly ObjectName[] }
  | {
      readonly kind: 'deleted'
      readonly object: ObjectName
      readonly author: Author
      readonly cause: DeletionCause
      /** Set on deletions of indexes and packs: the generation that this maintenance has. */
      readonly generation?: Generation
    }
  /** A deletion that took back an upload: answered with success, nothing changed (rule 8). */
  | { readonly kind: 'retracted'; readonly object: ObjectName; readonly author: Author }
  | {
      readonly kind: 'refused'
      readonly verb: Verb
      readonly object: ObjectName
      readonly reason: RefusalReason
      readonly author: Author
      readonly client: Client
      readonly generation: Generation
      readonly run?: Run
      readonly size?: number
      readonly kept?: Kept
    }
  /** The first knock of an object: the bytes are kept from the first try. */
  | {
      readonly kind: 'knocked'
      readonly verb: Verb
      readonly object: ObjectName
      readonly candidates: readonly WriterId[]
      readonly sender?: SenderId
      readonly client: Client
      readonly generation: Generation
      readonly size?: number
      readonly kept?: Kept
    }
  /** It would have been refused or put off, but the gateway only observes: what it did is the next record. */
  | {
      readonly kind: 'passed'
      readonly verb: Verb
      readonly object: ObjectName
      readonly reason: LetThroughReason
      readonly author: Author
      readonly client: Client
      readonly generation: Generation
      readonly run?: Run
    }
  | {
      readonly kind: 'ended'
      readonly writer: WriterId
      readonly cause: EndingCause
      /** The operator who said so. */
      readonly by?: string
    }
  | { readonly kind: 'revived'; readonly writer: WriterId }
  /** It did nothing that is recorded, and was heard all the same: so a restart does not take it for silent. */
  | { readonly kind: 'heard'; readonly writer: WriterId }
  | {
      readonly kind: 'released'
      readonly item: ItemId
      readonly object: ObjectName
      readonly by: string
      readonly reason: string
      readonly forced: boolean
      /** What a run read of the repository as it would be with the item: the ground on which it was released. */
      readonly proof?: ReadProof
    }
  | {
      readonly kind: 'discarded'
      readonly item: ItemId
      readonly by: string
      readonly reason: string
    }
  /** The quarantine's bounds took an item's bytes; its story stays. */
  | { readonly kind: 'evicted'; readonly item: ItemId; readonly cause: 'age' }
  /** The folder was used past the gateway. `generation` is set where indexes or packs vanished: an outside maintenance. */
  | {
      readonly kind: 'outside'
      readonly vanished: readonly ObjectName[]
      readonly appeared: readonly ObjectName[]
      readonly generation?: Generation
    }
  /** An operator raised the generation by hand. */
  | {
      readonly kind: 'fenced'
      readonly generation: Generation
      readonly by: string
      readonly reason: string
    }

  /**
   * All records up to a position have left the journal, or are about to: they lie in the archive, and `base` is the hash
   * of the state that they come to. `hash` is the last one's.
   */
  | {
      readonly kind: 'sealed'
      readonly position: Position
      readonly hash: string
      readonly archive: string
      readonly sha256: string
      readonly base: string
    }

export type EventKind = JournalEvent['kind']

const knownKinds: Readonly<Record<EventKind, true>> = {
  adopted: true,
  opened: true,
  looked: true,
  narrowed: true,
  committed: true,
  owned: true,
  answered: true,
  deleted: true,
  retracted: true,
  refused: true,
  knocked: true,
  passed: true,
  ended: true,
  revived: true,
  heard: true,
  released: true,
  discarded: true,
  evicted: true,
  outside: true,
  fenced: true,
  sealed: true,
}

export const eventKinds = Object.keys(knownKinds) as readonly EventKind[]

/** Reads a record's body. The chain of hashes has proved that it is one that a gateway wrote; a kind that this one
 * does not know was written by a newer one, and is answered with undefined. */
export function parseEvent(body: string): JournalEvent | undefined {
  const value: unknown = JSON.parse(body)
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
  const known = typeof value.kind === 'string' && Object.hasOwn(knownKinds, value.kind)
  return known ? (value as JournalEvent) : undefined
}

export function authorIs(author: Author, writer: WriterId): boolean {
  return author.kind === 'writer' && author.writer === writer
}

export function authorMayBe(author: Author, writer: WriterId): boolean {
  return (
    authorIs(author, writer) ||
    (author.kind === 'unknown' && author.candidates.includes(writer))
  )
}

export function describeClient(client: Client): string {
  return client.user === undefined ? client.address : `${client.user}@${client.address}`
}
