/** What the readers ask of a place where restic's files lie: a list of names, and ranges of bytes. */
import { FormatError } from './format-error.js'

/** The types that are folders of files, each named by the SHA-256 of its bytes. */
export type ListedType = 'keys' | 'locks' | 'snapshots' | 'index' | 'data'

/** `config`, or `<type>/<64 lower-case hex digits>`. */
export type FileName = 'config' | `${ListedType}/${string}`

export interface ListedFile {
  /** 64 lower-case hex digits. */
  readonly id: string
  /** Bytes. */
  readonly size: number
}

export interface OpenFile {
  /** Bytes. */
  readonly size: number
  /**
   * Exactly these bytes, in a buffer that is the caller's own from then on. Throws where the file ends before. May be
   * called often, also at once.
   */
  readonly read: (start: number, length: number) => Promise<Buffer>
  /** After the last read; repeating it changes nothing. */
  readonly close: () => Promise<void>
}

/** One repository's files. Faults are thrown as they are; a file that is not there is undefined. */
export interface RepositoryFiles {
  /** In no order; empty where the folder is missing. */
  readonly list: (type: ListedType) => Promise<readonly ListedFile[]>
  readonly open: (name: FileName) => Promise<OpenFile | undefined>
}

/** Reads a whole file of at most so many bytes. */
export async function readWhole(
  files: RepositoryFiles,
  name: FileName,
  bytesMax: number,
): Promise<Buffer> {
  const file = await files.open(name)
  if (file === undefined) throw new FormatError('missing', `${name} is not there`)
  try {
    if (file.size > bytesMax)
      throw new FormatError('too-large', `${name} has ${file.size} bytes`)
    return await file.read(0, file.size)
  } finally {
    await file.close()
  }
}
