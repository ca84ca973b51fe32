/** Knows how the journal lies in its file, and how a file of an earlier version becomes one of this version. */
import type { Database } from 'better-sqlite3'
import { BackendError } from '../../fencing/ports.js'
import { damaged } from './faults.js'

/** "LOCK": tells a journal from any other SQLite file. */
export const applicationId = 0x4c4f434b

/**
 * The first step makes the first version, each further one makes the next; what stands here is never edited again.
 *
 * Records are kept in the order in which they came, whatever their repository, because SQLite fills pages wholly only
 * at a table's end. A repository's row repeats its head, so that records lost at the end are missed; those lost before
 * break the chain.
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
    repository INTEGER NOT NULL,
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX record_place ON record (repository, position);
  CREATE TABLE unsettled (
    repository INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (repository, position)
  ) STRICT, WITHOUT ROWID;
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
]

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
