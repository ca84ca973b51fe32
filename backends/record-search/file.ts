/**
 * Opens the file that records are found by. All in it follows from the journals: it may be removed at any time, is begun
 * anew where it is damaged or of another version, and need not survive a loss of power whole.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import SqliteDatabase, { type Database } from 'better-sqlite3'

const version = 2

/**
 * A record stands under its repository, its kind and its client by every way that a page may ask for it, so that a page
 * costs what it shows. Names are numbers here, which keeps a record below 150 bytes.
 */
const layout = `
CREATE TABLE count (name TEXT NOT NULL) STRICT;
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE known (
  repository INTEGER PRIMARY KEY, position INTEGER NOT NULL, hash TEXT NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE TABLE writer (
  repository INTEGER NOT NULL, id TEXT NOT NULL, client INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (repository, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (
  repository INTEGER NOT NULL, client INTEGER NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (repository, client, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE waiting (
  at INTEGER NOT NULL, repository INTEGER NOT NULL, position INTEGER NOT NULL,
  time INTEGER NOT NULL, kind INTEGER NOT NULL, client INTEGER
) STRICT;
CREATE TABLE found (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, repository INTEGER NOT NULL, position INTEGER NOT NULL,
  time INTEGER NOT NULL, kind INTEGER NOT NULL, client INTEGER
) STRICT;
CREATE UNIQUE INDEX found_position ON found (repository, position);
CREATE INDEX found_kind ON found (kind, sequence);
CREATE INDEX found_client ON found (client, kind, sequence) WHERE client IS NOT NULL;
CREATE INDEX found_repository_kind ON found (repository, kind, position);
CREATE INDEX found_repository_client ON found (repository, client, kind, position) WHERE client IS NOT NULL;
CREATE INDEX found_time ON found (time, sequence);
CREATE INDEX found_repository_time ON found (repository, time, position);
PRAGMA user_version = ${version};
`

export function openSearchFile(file: string): Database {
  try {
    return prepared(new SqliteDatabase(file))
  } catch (error) {
    const isFileBad = error instanceof Error && 'code' in error
    if (!isFileBad || file === ':memory:') throw error
    removeSearchFile(file)
    return prepared(new SqliteDatabase(file))
  }
}

export function removeSearchFile(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true })
}

function prepared(database: Database): Database {
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('trusted_schema = OFF')
    database.pragma('journal_mode = WAL')
    // After a loss of power its end may be missing, and is found again.
    database.pragma('synchronous = NORMAL')
    database.pragma('cache_size = -8192')
    const found = database.pragma('user_version', { simple: true })
    if (found === 0) begin(database)
    else if (found !== version)
      throw Object.assign(new Error('another version'), { code: 'OLD' })
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function begin(database: Database): void {
  database.transaction(() => {
    database.exec(layout)
    database.prepare('INSERT INTO count VALUES (?)').run(randomBytes(4).toString('hex'))
  })()
}
