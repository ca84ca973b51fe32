/** Lays out the journal's file, and converts a file of an earlier version. */
import assert from 'node:assert/strict'
import type { Database } from 'better-sqlite3'
import { BackendError } from '../../fencing/ports.js'
import { damaged } from './faults.js'

/** "LOCK": tells a journal from any other SQLite file. */
export const applicationId = 0x4c4f434b

/**
 * The first step makes the first version, each further one makes the next; what stands here is never edited again.
 *
 * A record's id is its repository's times 2^32 plus its position: one tree less than an index of its own, and 2 % smaller
 * (measured; WITHOUT ROWID is 6 % larger). A repository's row repeats its head, so that records lost at the end are
 * missed; those lost before break the chain.
 */
const steps: readonly string[] = [
  `
  CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE TABLE unsettled (record INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE tries (
    repository INTEGER NOT NULL,
    item TEXT NOT NULL,
    tries INTEGER NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (repository, item)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE run (is_closed INTEGER NOT NULL) STRICT;
  INSERT INTO run VALUES (1);
  `,
  // What a repository's sealed records were folded into; the records themselves are gone.
  `
  CREATE TABLE base (
    repository INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  `,
  // When the writers of a repository were last heard, all of them in one text of JSON.
  `
  CREATE TABLE heard (
    repository INTEGER PRIMARY KEY,
    notes TEXT NOT NULL
  ) STRICT;
  `,
]

const positionsMax = 2 ** 32

/** The id of a record; also the bound of its repository's ids, for the position 0. */
export function recordIdOf(repository: number, position: number): number {
  assert(position >= 0 && position < positionsMax, 'a position within its repository')
  return repository * positionsMax + position
}

export function positionIn(recordId: number): number {
  return recordId % positionsMax
}

export const newestVersion = steps.length

/** Refuses what is no journal, or one of a newer version; changes nothing. */
export function checkVersion(database: Database, file: string): void {
  if (database.pragma('application_id', { simple: true }) !== applicationId) {
    throw damaged(file, 'it is no journal of Lockkeeper')
  }
  const version = versionOf(database)
  if (version > newestVersion) {
    throw new BackendError(
      'newer-state',
      `the journal "${file}" has version ${version}, written by a newer Lockkeeper; this one knows ${newestVersion}. ` +
        `Writes are refused: run the newer version again`,
    )
  }
  if (version < 1) throw damaged(file, 'it has no version')
}

/** Carries the file over to the newest version, in one transaction. */
export function migrate(database: Database): void {
  const version = versionOf(database)
  if (version === newestVersion) return
  database.transaction(() => {
    for (const step of steps.slice(version)) database.exec(step)
    database.pragma(`application_id = ${applicationId}`)
    database.pragma(`user_version = ${newestVersion}`)
  })()
}

function versionOf(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }))
}
