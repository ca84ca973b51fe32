/** Keeps what the journal says of one writer, and decides when a writer is overtaken. */
import type {
  Client,
  EndingCause,
  Generation,
  Position,
  Run,
  WriterId,
} from '../journal/event.js'
import type { ObjectName } from '../object.js'

/** One process of a client program, as the journal knows it. Changed by the fold in repository-state.ts only. */
export interface Writer {
  readonly id: WriterId
  readonly client: Client
  readonly tag?: string
  /** What is constant in its process beside tag and user; undefined where an older gateway recorded it. */
  readonly constants?: string
  readonly bornAt: Position
  /** Known by a lock that stood at adoption only: its user is not known either. */
  readonly isFromBefore?: true
  /** The generation of its view, or of its own maintenance once it has one. */
  generation: Generation
  /** The journal's head when it took its picture of the repository (rule 4). */
  view: Position
  /** Before the oldest index or snapshot that was then recorded and not yet published (rule 3). */
  commitView: Position
  /** The same for packs (rule 8). */
  packView: Position
  /** A look that may be its, though another writer's too. */
  hasLooked: boolean
  hasSurelyLooked: boolean
  /** Packs were listed, perhaps by it: it may be in a maintenance. */
  mayHaveListedPacks: boolean
  hasSurelyListedPacks: boolean
  /** The newest look, and listing of packs, that may have been its and of whose sender nothing more is learnt; else 0. */
  mayHaveLookedAt: Position
  mayHaveListedPacksAt: Position
  hasLocked: boolean
  /** It uploaded an index, a snapshot or a pack. */
  hasPosted: boolean
  /** An upload, other than a key or the config, may have been its, and nothing will tell. */
  mayHaveWritten: boolean
  readonly locks: Set<ObjectName>
  newestLock?: { readonly object: ObjectName; readonly position: Position }
  maintenance?: Maintenance
  /** Its maintenance was refused once: whatever else it tries to change is refused too (rule 3). */
  isBroken: boolean
  ended?: {
    readonly cause: EndingCause
    readonly time: number
    readonly ran: number
    readonly position: Position
  }
  /** The gateway's clock at the last record that names it, and the running time then. */
  lastRecorded: number
  lastRecordedRan: number
}

export interface Maintenance {
  readonly generation: Generation
  readonly first: Position
  last: Position
  readonly since: number
}

/** The deletions of indexes and packs by one writer (or an operator's fence, or somebody past the gateway), as others see them. */
export interface Overtaking extends Run {
  last: Position
}

/** Rule 4: the newest deletion of an index or a pack by another writer after its view. */
export function overtakenBy(
  writer: Writer,
  runs: readonly Overtaking[],
): Overtaking | undefined {
  let newest: Overtaking | undefined
  for (const run of runs) {
    if (run.by === writer.id || run.last <= writer.view) continue
    if (newest === undefined || run.last > newest.last) newest = run
  }
  return newest
}

export interface Fence {
  readonly reason: 'stale' | 'conflict'
  readonly run?: Run
}

function toldOf({ by, generation, isOutside, isNobodys }: Overtaking): Run {
  return {
    ...(by === undefined ? {} : { by }),
    generation,
    ...(isOutside === undefined ? {} : { isOutside }),
    ...(isNobodys === undefined ? {} : { isNobodys }),
  }
}

/** Why nothing that this writer tries to change may be committed, if there is a reason (rules 3 and 5). */
export function fenceOf(writer: Writer, runs: readonly Overtaking[]): Fence | undefined {
  const run = overtakenBy(writer, runs)
  if (run !== undefined) {
    return { reason: 'stale', run: toldOf(run) }
  }
  return writer.isBroken ? { reason: 'conflict' } : undefined
}
