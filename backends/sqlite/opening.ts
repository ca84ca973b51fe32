/** Knows how the journal's file is made, and what is proved of it before it is used. */
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

const busyTimeoutMs = 1_000

/** Opens the journal, making it where there is none. Throws BackendErrors and SQLite's own. */
export function openDatabase(file: string): Database {
  if (!existsSync(file)) make(file)
  // SQLite takes an empty file for a new database, and a log that is gone for one that was never there.
  const logBytes = sizeOf(`${file}-wal`)
  if (sizeOf(file) === 0) throw damaged(file, 'it is empty')
  const database = new SqliteDatabase(file, { fileMustExist: true, timeout: busyTimeoutMs })
  try {
    prepare(database, file, logBytes)
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** To be called last: a file that says so needs no log beside it. */
export function closeDatabase(database: Database): void {
  try {
    database.exec('UPDATE run SET is_closed = 1')
  } finally {
    database.close()
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

function prepare(database: Database, file: string, logBytes: number): void {
  // Nobody else may even read: a second gateway, or a hand at the file, is kept out by the kernel.
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('trusted_schema = OFF')
  database.pragma('cell_size_check = ON')
  checkVersion(database, file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  migrate(database)
  const isClosed = database.prepare('SELECT is_closed FROM run').pluck().get() === 1
  if (!isClosed && logBytes === 0) {
    throw damaged(file, 'its write-ahead log is gone, and the newest records with it')
  }
  if (logBytes === 0 && sizeOf(file) !== lengthOf(database)) {
    throw damaged(file, 'its end is cut off')
  }
  // The quick check passes over indexes, and a repository that its name does not find would be begun anew.
  for (const check of ['quick_check(1)', "integrity_check('repository')"]) {
    const verdict = database.pragma(check, { simple: true })
    if (verdict !== 'ok') throw damaged(file, String(verdict))
  }
  database.exec('UPDATE run SET is_closed = 0')
  // Into the file itself; the log keeps its length, so from now on there is always one beside a file in use.
  database.pragma('wal_checkpoint(PASSIVE)')
}

/** SQLite fills a page that ends early with zeros, so it does not miss a last byte; only the log may make up for one. */
function lengthOf(database: Database): number {
  const pages = Number(database.pragma('page_count', { simple: true }))
  return pages * Number(database.pragma('page_size', { simple: true }))
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
