/** Makes the journal's file, or proves it before it is used. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import SqliteDatabase, { type Database } from 'better-sqlite3'
import { damaged } from './faults.js'
import { checkVersion, migrate } from './schema.js'
import { recordsIn, Witness, witnessOf } from './witness.js'

const busyTimeoutMs = 1_000

/** An open journal: `records` is how many it had when it was opened, in all repositories together. */
export interface OpenedFile {
  readonly database: Database
  readonly records: number
  /** Undefined where there is no room for it: then only the mark of a clean end vouches for the file. */
  readonly witness: Witness | undefined
}

/** Opens the journal, making it where there is none. Throws BackendErrors and SQLite's own. */
export function openDatabase(file: string): OpenedFile {
  if (!existsSync(file)) make(file)
  // SQLite takes an empty file for a new database, and a log that is gone for one that was never there.
  const logBytes = sizeOf(`${file}-wal`)
  if (sizeOf(file) === 0) throw damaged(file, 'it is empty')
  const recordsDue = recordsIn(witnessOf(file))
  // However this opening ends, SQLite moves the log into the file and removes it: from then on only the witness can tell.
  if (recordsDue === undefined && logBytes > 0) Witness.open(witnessOf(file), 0).close()
  const database = new SqliteDatabase(file, { fileMustExist: true, timeout: busyTimeoutMs })
  try {
    const records = prepare(database, file, { logBytes, recordsDue })
    const witness = witnessAt(file, records)
    // The mark is for a journal without a witness, and for earlier versions: it may say "open" only beside a witness.
    if (witness !== undefined) asFarAsThereIsRoom(database, 'UPDATE run SET is_closed = 0')
    asFarAsThereIsRoom(database, 'PRAGMA wal_checkpoint(PASSIVE)')
    return { database, records, witness }
  } catch (error) {
    database.close()
    throw error
  }
}

export function closeDatabase({ database, witness }: OpenedFile): void {
  asFarAsThereIsRoom(database, 'UPDATE run SET is_closed = 1')
  database.close()
  witness?.close()
}

function witnessAt(file: string, records: number): Witness | undefined {
  try {
    return Witness.open(witnessOf(file), records)
  } catch {
    return undefined
  }
}

/** What nobody's promise rests on: on a full or failing disk the journal is opened and closed without it. */
function asFarAsThereIsRoom(database: Database, step: string): void {
  try {
    database.exec(step)
  } catch {
    if (database.inTransaction) database.exec('ROLLBACK')
  }
}

/** Made under another name, so that a journal is whole wherever there is one. */
function make(file: string): void {
  const unfinished = `${file}.new`
  for (const end of ['', '-journal']) rmSync(`${unfinished}${end}`, { force: true })
  closeSync(openSync(unfinished, 'wx', 0o600))
  const database = new SqliteDatabase(unfinished)
  try {
    database.pragma('synchronous = FULL')
    // To be said before there is a table.
    database.pragma('auto_vacuum = INCREMENTAL')
    migrate(database)
  } finally {
    database.close()
  }
  renameSync(unfinished, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

interface Found {
  readonly logBytes: number
  readonly recordsDue: number | undefined
}

/** Proves that the file is whole; answers how many records it has. Writes nothing to a file of this version. */
function prepare(database: Database, file: string, { logBytes, recordsDue }: Found): number {
  // Nobody else may even read: a second gateway, or a hand at the file, is kept out by the kernel.
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('trusted_schema = OFF')
  database.pragma('cell_size_check = ON')
  checkVersion(database, file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  if (logBytes === 0 && sizeOf(file) !== lengthOf(database)) {
    throw damaged(file, 'its end is cut off')
  }
  // What it adds to a file of an earlier version lies in the log, so only now.
  migrate(database)
  // The quick check passes over indexes, and a repository that its name does not find would be begun anew.
  for (const check of ['quick_check(1)', "integrity_check('repository')"]) {
    const verdict = database.pragma(check, { simple: true })
    if (verdict !== 'ok') throw damaged(file, String(verdict))
  }
  const records = recordsOf(database)
  if (recordsDue === undefined) {
    const isClosed = database.prepare('SELECT is_closed FROM run').pluck().get() === 1
    if (!isClosed && logBytes === 0) {
      throw damaged(file, 'its write-ahead log is gone, and the newest records with it')
    }
  } else if (records < recordsDue) {
    throw damaged(
      file,
      `its newest records are gone (${recordsDue - records} of ${recordsDue}): its write-ahead log is lost or cut off, or ` +
        `an older copy of the file was put in its place`,
    )
  }
  return records
}

/** Those that were sealed count too: it never becomes less. */
function recordsOf(database: Database): number {
  const sum = database.prepare('SELECT coalesce(sum(position), 0) FROM repository')
  return Number(sum.pluck().get())
}

/** SQLite fills a page that ends early with zeros, so it does not miss a last byte; only the log may make up for one. */
function lengthOf(database: Database): number {
  const pages = Number(database.pragma('page_count', { simple: true }))
  return pages * Number(database.pragma('page_size', { simple: true }))
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
