/** What can be asked of the records of all journals, and how a place in their order is written. Contracts only. */
import type { RepositoryId } from '../../fencing/object.js'

/**
 * A place between two records, to go on from. Within one repository it is the journal's position. Over all repositories
 * records stand in the order in which they were found, and the place also names the count it belongs to: a search that
 * had to begin anew counts anew.
 */
export interface Place {
  readonly at: number
  /** Undefined within one repository. */
  readonly count?: string
}

export interface RecordQuestion {
  readonly repository?: RepositoryId | undefined
  /** The user; or the address, where nobody was asked for a user. */
  readonly client?: string | undefined
  /** Kinds of events; all of them where nothing is said. */
  readonly kinds?: readonly string[] | undefined
  /** Milliseconds since the epoch: recorded then or later. */
  readonly since?: number | undefined
  /** Recorded before. */
  readonly until?: number | undefined
  /** forwards: the oldest first, those after the place. backwards: the newest first, those before it. */
  readonly direction: 'forwards' | 'backwards'
  readonly place?: Place | undefined
  readonly limit: number
}

/** Where one record stands. */
export interface FoundPlace {
  readonly repository: RepositoryId
  readonly position: number
  readonly place: Place
}

export interface FoundPlaces {
  readonly found: readonly FoundPlace[]
  /** There are more in this direction. */
  readonly isMore: boolean
  /** The place was of an earlier count: what is answered begins anew, and may repeat what was answered before. */
  readonly isAnew: boolean
}

/** When a client last committed snapshots to a repository: milliseconds since the epoch, the newest first. */
export interface ClientSnapshots {
  readonly repository: RepositoryId
  readonly client: string
  readonly times: readonly number[]
}

/** What is noted of a record, so that it can be found. */
export interface NotedRecord {
  readonly position: number
  readonly time: number
  readonly body: string
  readonly hash: string
}

export function formatPlace({ at, count }: Place): string {
  return count === undefined ? String(at) : `${count}-${at}`
}

/** Undefined where it is no place. */
export function parsePlace(text: string): Place | undefined {
  const [, count, at] = /^(?:([0-9a-f]{8})-)?(\d{1,15})$/.exec(text) ?? []
  if (at === undefined) return undefined
  return { at: Number(at), ...(count === undefined ? {} : { count }) }
}
