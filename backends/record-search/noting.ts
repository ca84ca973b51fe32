/** Notes records in the file that they are found by, in the order of time, as far as each journal's own order lets it. */
import type { Database } from 'better-sqlite3'
import type { NotedRecord } from './question.js'

export interface Known {
  readonly repository: string
  readonly position: number
  readonly hash: string
}

/** Of a record's body, what it is found by. A body that was tampered with is found as it is. */
interface Traits {
  readonly kind: string
  readonly client: string | undefined
  readonly writer: string | undefined
  readonly sealedTo: number | undefined
  readonly isSnapshot: boolean
}

/** So many of each client are remembered, also once their records are sealed: they tell how often it usually comes. */
export const snapshotsKept = 10

export class Noting {
  readonly #database: Database
  readonly #prepared
  readonly #names = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
    this.#prepared = prepare(database)
  }

  known(): Known[] {
    return this.#prepared.known.all() as Known[]
  }

  /** Records of one repository that follow on those noted before; they can be found once the round is over. */
  note(repository: string, records: readonly NotedRecord[]): void {
    this.#database.transaction(() => {
      const id = this.nameId(repository)
      const known = this.#prepared.knownOf.get(id) as { time: number } | undefined
      let at = known?.time ?? 0
      for (const record of records) {
        at = Math.max(at, record.time)
        this.#noteOne(id, at, record)
      }
      const last = records.at(-1)
      if (last === undefined) return
      this.#prepared.setKnown.run(id, last.position, last.hash, at)
    })()
  }

  /** Gives all that was noted since the last time its place in the order. */
  endRound(): void {
    this.#database.transaction(() => {
      this.#prepared.order.run()
      this.#prepared.clear.run()
    })()
  }

  nameId(text: string): number {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const found = this.#prepared.nameId.get(text) as number | undefined
    const id = found ?? Number(this.#prepared.addName.run(text).lastInsertRowid)
    // Addresses may be many; what is dropped here is read again.
    if (this.#names.size > 20_000) this.#names.clear()
    this.#names.set(text, id)
    return id
  }

  #noteOne(repository: number, at: number, { position, time, body }: NotedRecord): void {
    const traits = traitsOf(body)
    const client = this.#clientOf(repository, position, traits)
    const kind = this.nameId(traits.kind)
    this.#prepared.wait.run(at, repository, position, time, kind, client ?? null)
    if (traits.isSnapshot && client !== undefined) {
      this.#prepared.addSnapshot.run(repository, client, position, time)
      this.#prepared.dropSnapshots.run(
        repository,
        client,
        repository,
        client,
        snapshotsKept - 1,
      )
    }
    if (traits.sealedTo !== undefined) {
      this.#prepared.drop.run(repository, traits.sealedTo)
      this.#prepared.dropWaiting.run(repository, traits.sealedTo)
      this.#prepared.dropWriters.run(repository, traits.sealedTo)
    }
  }

  /** What a writer does is its client's. */
  #clientOf(repository: number, position: number, traits: Traits): number | undefined {
    const { client, writer } = traits
    if (client !== undefined) {
      const id = this.nameId(client)
      if (writer !== undefined) this.#prepared.setWriter.run(repository, writer, id, position)
      return id
    }
    if (writer === undefined) return undefined
    const id = this.#prepared.clientOf.get(repository, writer) as number | undefined
    if (id !== undefined) this.#prepared.setWriter.run(repository, writer, id, position)
    return id
  }
}

function traitsOf(body: string): Traits {
  const event = objectOf(parsed(body))
  const author = objectOf(event.author)
  const client = objectOf(event.client)
  const isSnapshot = event.kind === 'committed' && String(event.object).startsWith('snapshots/')
  return {
    isSnapshot,
    kind: textOf(event.kind) ?? 'unreadable',
    client: textOf(client.user) ?? textOf(client.address),
    writer: textOf(event.writer) ?? textOf(author.writer),
    sealedTo:
      event.kind === 'sealed' && typeof event.position === 'number'
        ? event.position
        : undefined,
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function prepare(database: Database) {
  const sql = (text: string) => database.prepare(text)
  return {
    known: sql(
      'SELECT text AS repository, position, hash FROM known JOIN name ON name.id = known.repository',
    ),
    knownOf: sql('SELECT time FROM known WHERE repository = ?'),
    setKnown: sql(
      `INSERT INTO known VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       position = excluded.position, hash = excluded.hash, time = excluded.time`,
    ),
    nameId: sql('SELECT id FROM name WHERE text = ?').pluck(),
    addName: sql('INSERT INTO name (text) VALUES (?)'),
    wait: sql('INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)'),
    order: sql(
      `INSERT INTO found (repository, position, time, kind, client)
       SELECT repository, position, time, kind, client FROM waiting ORDER BY at, repository, position`,
    ),
    clear: sql('DELETE FROM waiting'),
    drop: sql('DELETE FROM found WHERE repository = ? AND position <= ?'),
    dropWaiting: sql('DELETE FROM waiting WHERE repository = ? AND position <= ?'),
    dropWriters: sql('DELETE FROM writer WHERE repository = ? AND position <= ?'),
    setWriter: sql(
      `INSERT INTO writer VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET client = excluded.client, position = excluded.position`,
    ),
    addSnapshot: sql('INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)'),
    dropSnapshots: sql(
      `DELETE FROM snapshot WHERE repository = ? AND client = ? AND position < coalesce((
         SELECT position FROM snapshot WHERE repository = ? AND client = ?
         ORDER BY position DESC LIMIT 1 OFFSET ?), 0)`,
    ),
    clientOf: sql('SELECT client FROM writer WHERE repository = ? AND id = ?').pluck(),
  }
}
