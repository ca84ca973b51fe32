/** What the door asks of a store of ordinary files beside the repositories. Contracts only; nothing here is fenced. */
import type { OpenObject } from '../../fencing/ports.js'

/** Decoded names below the root; none is empty, `.`, `..`, or has a slash in it. */
export type PlainPath = readonly string[]

export interface PlainEntry {
  readonly name: string
  readonly isFolder: boolean
  /** A folder that is a repository: only its name is shown. Lists do not say. */
  readonly isRepository: boolean
  /** Bytes; 0 for folders. */
  readonly size: number
  readonly modifiedMs: number
  readonly createdMs: number
  /** Names this version of the file: another one has another. */
  readonly version: string
}

export interface PlainProperty {
  readonly namespace: string
  readonly local: string
  readonly inner: string
  readonly language?: string
}

/** What became of a change: `missing` its source, `no-parent` the folder it would lie in, `taken` its target. */
export type PlainResult = 'created' | 'replaced' | 'missing' | 'no-parent' | 'taken'

/**
 * All faults are BackendErrors; `not-allowed` where a path leads into a repository, into the gateway's own files, over a
 * link, or to what is neither file nor folder. A file is replaced as a whole or not at all. What is done survives a
 * crash of the gateway; unlike the objects of a repository it need not survive a loss of power.
 */
export interface PlainFiles {
  /** Undefined where nothing stands. */
  readonly stat: (path: PlainPath) => Promise<PlainEntry | undefined>
  /** What lies in a folder, some at a time; links and the gateway's own files are left out. */
  readonly list: (path: PlainPath) => AsyncIterable<readonly PlainEntry[]>
  readonly open: (
    path: PlainPath,
  ) => Promise<{ readonly entry: PlainEntry; readonly bytes: OpenObject } | undefined>
  /** Throws where so many more bytes do not fit below a bound, if there is one: a body need not come in to know it. */
  readonly requireSpace?: (bytes: number) => void
  /**
   * A body that ends with an error, or the signal, changes nothing. `taken` where a folder stands. `placing` is handed the
   * act by which the file takes its place, to call it when it is time; it answers how many bytes were replaced.
   */
  readonly put: (
    path: PlainPath,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    placing?: (act: () => Promise<number>) => Promise<number>,
  ) => Promise<PlainResult>
  readonly makeFolder: (path: PlainPath) => Promise<PlainResult>
  /** Removes a file or a whole folder; a folder with a repository in it is `not-allowed` and stays whole. */
  readonly remove: (path: PlainPath) => Promise<PlainResult>
  readonly move: (from: PlainPath, to: PlainPath, replaces: boolean) => Promise<PlainResult>
  /** A folder is copied with all that is in it unless `isShallow`. */
  readonly copy: (
    from: PlainPath,
    to: PlainPath,
    how: { readonly replaces: boolean; readonly isShallow: boolean },
  ) => Promise<PlainResult>
  /** The properties that clients have set; they follow their file when it is moved, copied or removed. */
  readonly properties: (path: PlainPath) => Promise<readonly PlainProperty[]>
  /** Those of whatever lies in a folder and has some, by name. */
  readonly propertiesIn: (
    folder: PlainPath,
  ) => Promise<ReadonlyMap<string, readonly PlainProperty[]>>
  readonly setProperties: (
    path: PlainPath,
    properties: readonly PlainProperty[],
  ) => Promise<void>
}
