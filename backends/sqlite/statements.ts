/** Runs the journal's statements. Every function is one step of a transaction that its caller has begun, or a read. */
import type { Database, Statement } from 'better-sqlite3'
import { emptyHead } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type HeardNote,
  type JournalBase,
  type JournalBatch,
  type JournalHead,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'
import { damaged } from './faults.js'
import { positionIn, recordIdOf } from './schema.js'

/** As SQLite answers it. */
const incremental = 2
/** Half a MiB: some milliseconds, for which others wait. */
const pagesAtOnce = 128

interface RepositoryRow {
  readonly id: number
  readonly position: number
  readonly hash: Buffer
}

interface BaseRow {
  readonly position: number
  readonly hash: Buffer
  readonly text: string
}

interface RecordRow {
  readonly id: number
  readonly time: number
  readonly body: string
  readonly hash: Buffer
}

export class Statements {
  readonly #database: Database
  readonly #file: string
  readonly #prepared
  readonly #appendWhole: (batch: JournalBatch) => void
  readonly #rebaseWhole: (
    repository: RepositoryId,
    base: JournalBase,
    over: readonly string[],
  ) => void

  constructor(database: Database, file: string) {
    this.#database = database
    this.#file = file
    this.#prepared = prepareAll(database)
    // Within a transaction this is a savepoint.
    this.#appendWhole = database.transaction((batch: JournalBatch) => this.#append(batch))
    this.#rebaseWhole = database.transaction(
      (repository: RepositoryId, base: JournalBase, over: readonly string[]) => {
        this.#rebase(repository, base)
        const { id } = this.#findOrMake(repository)
        for (const item of over) this.#prepared.dropTries.run(id, item)
      },
    )
  }

  repositories(): RepositoryId[] {
    return this.#prepared.names.all() as RepositoryId[]
  }

  head(repository: RepositoryId): JournalHead {
    const row = this.#find(repository)
    return row === undefined ? emptyHead : headOf(row)
  }

  /** Proves that the records are as many as their head says. */
  read(repository: RepositoryId, after: number, limit: number): StoredRecord[] {
    const found = this.#find(repository)
    if (found === undefined) return []
    const base = this.base(repository)?.position ?? 0
    const from = Math.max(after, base)
    const start = recordIdOf(found.id, Math.min(from, found.position))
    const rows = this.#prepared.records.all(start, recordIdOf(found.id + 1, 0), limit)
    const records = (rows as RecordRow[]).map(recordOf)
    const due = Math.max(0, Math.min(limit, found.position - from))
    const last = records.at(-1)
    const isWhole =
      records.length === due && (last === undefined || last.position === from + due)
    const isAtHead = last?.position === found.position
    if (!isWhole || (isAtHead && last.hash !== headOf(found).hash)) {
      throw damaged(this.#file, `records of "${repository}" after ${from} are missing`)
    }
    return records
  }

  unsettled(repository: RepositoryId): number[] {
    const found = this.#find(repository)
    if (found === undefined) return []
    const ids = this.#prepared.unsettled.all(
      recordIdOf(found.id, 0),
      recordIdOf(found.id + 1, 0),
    )
    return (ids as number[]).map(positionIn)
  }

  /** Wholly or not at all, whatever becomes of the transaction's other steps. */
  append(batch: JournalBatch): void {
    this.#appendWhole(batch)
  }

  settle(repository: RepositoryId, positions: readonly number[]): void {
    const found = this.#find(repository)
    if (found === undefined) return
    for (const position of positions) this.#prepared.settle.run(recordIdOf(found.id, position))
  }

  base(repository: RepositoryId): JournalBase | undefined {
    const found = this.#find(repository)
    const row = found && (this.#prepared.base.get(found.id) as BaseRow | undefined)
    return row && { ...row, hash: row.hash.toString('hex') }
  }

  rebase(repository: RepositoryId, base: JournalBase, over: readonly string[]): void {
    this.#rebaseWhole(repository, base, over)
  }

  /** Outside any transaction: gives a part of the space of dropped records back to the disk; false where no more is left. */
  giveBackPart(): boolean {
    const pragma = (text: string): unknown => this.#database.pragma(text, { simple: true })
    if (pragma('auto_vacuum') !== incremental) {
      // A file of an earlier version, once: from then on it can be done in parts.
      pragma('auto_vacuum = INCREMENTAL')
      this.#database.exec('VACUUM')
    } else {
      this.#database.pragma(`incremental_vacuum(${pagesAtOnce})`)
    }
    const isMoreLeft = Number(pragma('freelist_count')) > 0
    // Into the file itself, which shrinks by that; the log keeps its length.
    if (!isMoreLeft) pragma('wal_checkpoint(PASSIVE)')
    return isMoreLeft
  }

  tries(repository: RepositoryId): TriesNote[] {
    const found = this.#find(repository)
    return found === undefined ? [] : (this.#prepared.tries.all(found.id) as TriesNote[])
  }

  noteTries(repository: RepositoryId, { item, tries, time }: TriesNote): void {
    this.#prepared.noteTries.run(this.#findOrMake(repository).id, item, tries, time)
  }

  heard(repository: RepositoryId): HeardNote[] {
    const found = this.#find(repository)
    const notes = found && (this.#prepared.heard.get(found.id) as string | undefined)
    return notes === undefined ? [] : (JSON.parse(notes) as HeardNote[])
  }

  noteHeard(repository: RepositoryId, notes: readonly HeardNote[]): void {
    this.#prepared.noteHeard.run(this.#findOrMake(repository).id, JSON.stringify(notes))
  }

  #append({ repository, records, unsettled }: JournalBatch): void {
    const { id, position: before } = this.#findOrMake(repository)
    records.forEach(({ position, time, body, hash }, index) => {
      if (position !== before + index + 1) {
        throw new BackendError(
          'conflict',
          `record ${position} does not follow on the journal of "${repository}" at ${before + index}`,
        )
      }
      this.#prepared.append.run(recordIdOf(id, position), time, body, Buffer.from(hash, 'hex'))
    })
    const last = records.at(-1)
    if (last === undefined) return
    this.#prepared.setHead.run(last.position, Buffer.from(last.hash, 'hex'), id)
    for (const position of unsettled) this.#prepared.leave.run(recordIdOf(id, position))
  }

  #rebase(repository: RepositoryId, { position, hash, text }: JournalBase): void {
    const { id } = this.#findOrMake(repository)
    const bytes = Buffer.from(hash, 'hex')
    const before = this.base(repository)?.position ?? 0
    const last = this.#prepared.hash.get(recordIdOf(id, position)) as Buffer | undefined
    const isUnsettled = this.unsettled(repository).some((open) => open <= position)
    if (position <= before || last?.equals(bytes) !== true || isUnsettled) {
      const what = `no base of "${repository}" can be put at ${position}`
      throw new BackendError('conflict', what)
    }
    this.#prepared.setBase.run(id, position, bytes, text)
    this.#prepared.drop.run(recordIdOf(id, 0), recordIdOf(id, position))
  }

  #find(repository: RepositoryId): RepositoryRow | undefined {
    return this.#prepared.find.get(repository) as RepositoryRow | undefined
  }

  #findOrMake(repository: RepositoryId): RepositoryRow {
    const found = this.#find(repository)
    if (found !== undefined) return found
    const hash = Buffer.from(emptyHead.hash, 'hex')
    const id = Number(this.#prepared.make.run(repository, hash).lastInsertRowid)
    return { id, position: 0, hash }
  }

  /** False where SQLite itself has rolled the whole transaction back. */
  get isInTransaction(): boolean {
    return this.#database.inTransaction
  }

  begin(): void {
    this.#prepared.begin.run()
  }

  commit(): void {
    this.#prepared.commit.run()
  }

  rollBack(): void {
    if (this.#database.inTransaction) this.#prepared.rollBack.run()
  }
}

function recordOf({ id, time, body, hash }: RecordRow): StoredRecord {
  return { position: positionIn(id), time, body, hash: hash.toString('hex') }
}

function headOf(row: RepositoryRow): JournalHead {
  return { position: row.position, hash: row.hash.toString('hex') }
}

function prepareAll(database: Database) {
  const sql = (text: string): Statement => database.prepare(text)
  return {
    names: sql('SELECT name FROM repository WHERE position > 0 ORDER BY name').pluck(),
    find: sql('SELECT id, position, hash FROM repository WHERE name = ?'),
    make: sql('INSERT INTO repository (name, position, hash) VALUES (?, 0, ?)'),
    setHead: sql('UPDATE repository SET position = ?, hash = ? WHERE id = ?'),
    records: sql(
      'SELECT id, time, body, hash FROM record WHERE id > ? AND id < ? ORDER BY id LIMIT ?',
    ),
    append: sql('INSERT INTO record VALUES (?, ?, ?, ?)'),
    unsettled: sql(
      'SELECT record FROM unsettled WHERE record > ? AND record < ? ORDER BY record',
    ).pluck(),
    leave: sql('INSERT INTO unsettled VALUES (?)'),
    settle: sql('DELETE FROM unsettled WHERE record = ?'),
    base: sql('SELECT position, hash, text FROM base WHERE repository = ?'),
    setBase: sql(
      `INSERT INTO base VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET position = excluded.position, hash = excluded.hash, text = excluded.text`,
    ),
    hash: sql('SELECT hash FROM record WHERE id = ?').pluck(),
    drop: sql('DELETE FROM record WHERE id > ? AND id <= ?'),
    tries: sql('SELECT item, tries, time FROM tries WHERE repository = ? ORDER BY item'),
    dropTries: sql('DELETE FROM tries WHERE repository = ? AND item = ?'),
    noteTries: sql(
      `INSERT INTO tries VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET tries = excluded.tries, time = excluded.time`,
    ),
    heard: sql('SELECT notes FROM heard WHERE repository = ?').pluck(),
    noteHeard: sql(
      'INSERT INTO heard VALUES (?, ?) ON CONFLICT DO UPDATE SET notes = excluded.notes',
    ),
    begin: sql('BEGIN IMMEDIATE'),
    commit: sql('COMMIT'),
    rollBack: sql('ROLLBACK'),
  }
}
