/** Finds records by what they were noted with: each kind is asked for by an index of its own, and the answers are merged. */
import type { Database } from 'better-sqlite3'
import type { RepositoryId } from '../../fencing/object.js'
import type { ClientSnapshots, FoundPlace, FoundPlaces, RecordQuestion } from './question.js'

interface Row {
  readonly at: number
  readonly repository: RepositoryId
  readonly position: number
}

interface SnapshotRow {
  readonly repository: RepositoryId
  readonly client: string
  readonly time: number
}

interface Terms {
  /** What records stand in the order of: positions within one repository, else the order of all. */
  readonly order: 'position' | 'sequence'
  readonly conditions: readonly string[]
  readonly values: readonly (string | number)[]
}

export class Finding {
  readonly #database: Database
  readonly #count: string

  constructor(database: Database) {
    this.#database = database
    this.#count = String(database.prepare('SELECT name FROM count').pluck().get())
  }

  find(question: RecordQuestion): FoundPlaces {
    const { place, repository, limit, direction } = question
    const isAnew =
      repository === undefined && place !== undefined && place.count !== this.#count
    const asked = isAnew ? { ...question, place: undefined } : question
    const terms = this.#termsOf(asked)
    if (terms === undefined) return { found: [], isMore: false, isAnew }
    const rows = this.#kindsOf(asked)
      .flatMap((kind) => this.#rowsOf(terms, kind, direction, limit + 1))
      .sort((one, other) => (direction === 'forwards' ? one.at - other.at : other.at - one.at))
    const found = rows.slice(0, limit).map((row) => this.#placed(row, terms))
    return { found, isMore: rows.length > limit, isAnew }
  }

  /** The newest snapshots of each client, the newest first. */
  snapshots(repository?: string): ClientSnapshots[] {
    const where = repository === undefined ? '' : 'WHERE one.text = ?'
    const rows = this.#database
      .prepare(
        `SELECT one.text AS repository, other.text AS client, time FROM snapshot
         JOIN name AS one ON one.id = repository JOIN name AS other ON other.id = client
         ${where} ORDER BY repository, client, position DESC`,
      )
      .all(...(repository === undefined ? [] : [repository])) as SnapshotRow[]
    const found = new Map<string, ClientSnapshots & { readonly times: number[] }>()
    for (const { repository: name, client, time } of rows) {
      const key = `${name}\n${client}`
      const known = found.get(key) ?? { repository: name, client, times: [] }
      known.times.push(time)
      found.set(key, known)
    }
    return [...found.values()]
  }

  #placed({ at, repository, position }: Row, { order }: Terms): FoundPlace {
    const place = order === 'position' ? { at } : { at, count: this.#count }
    return { repository, position, place }
  }

  /** Undefined where nothing can be found: a name that no record has. */
  #termsOf(question: RecordQuestion): Terms | undefined {
    const { repository, client, direction, place, since, until } = question
    const order = repository === undefined ? 'sequence' : 'position'
    const conditions: string[] = []
    const values: (string | number)[] = []
    const add = (condition: string, value: string | number): void => {
      conditions.push(condition)
      values.push(value)
    }
    if (repository !== undefined) {
      const id = this.#nameId(repository)
      if (id === undefined) return undefined
      add('repository = ?', id)
    }
    if (client !== undefined) {
      const id = this.#nameId(client)
      if (id === undefined) return undefined
      add('client = ?', id)
    }
    if (place !== undefined) add(`${order} ${direction === 'forwards' ? '>' : '<'} ?`, place.at)
    if (since !== undefined || until !== undefined) {
      const bounds = this.#boundsOf(
        conditions[0] === 'repository = ?' ? values[0] : undefined,
        {
          since: since ?? Number.MIN_SAFE_INTEGER,
          until: until ?? Number.MAX_SAFE_INTEGER,
        },
      )
      if (bounds === undefined) return undefined
      add(`${order} >= ?`, bounds.first)
      add(`${order} <= ?`, bounds.last)
      // Not for the index on time: the bounds have used it.
      add('+time >= ?', since ?? Number.MIN_SAFE_INTEGER)
      add('+time < ?', until ?? Number.MAX_SAFE_INTEGER)
    }
    return { order, conditions, values }
  }

  /** The first and last place of what was recorded in a span, wherever the clock jumped between them. */
  #boundsOf(
    repository: string | number | undefined,
    { since, until }: { readonly since: number; readonly until: number },
  ): { first: number; last: number } | undefined {
    const order = repository === undefined ? 'sequence' : 'position'
    const within = repository === undefined ? '' : 'repository = ? AND '
    const text = `SELECT min(${order}) AS first, max(${order}) AS last FROM found WHERE ${within}time >= ? AND time < ?`
    const values = repository === undefined ? [since, until] : [repository, since, until]
    const row = this.#database.prepare(text).get(...values) as {
      first: number | null
      last: number | null
    }
    const { first, last } = row
    return first === null || last === null ? undefined : { first, last }
  }

  /** Undefined stands for all kinds at once, where an index has them in order. */
  #kindsOf({ kinds, client }: RecordQuestion): (number | undefined)[] {
    if (kinds !== undefined) {
      const ids = [...new Set(kinds)].map((kind) => this.#nameId(kind))
      return ids.filter((id) => id !== undefined)
    }
    if (client === undefined) return [undefined]
    // Leaps from one kind to the next.
    const leap = this.#database
      .prepare('SELECT min(kind) FROM found WHERE kind > ?')
      .pluck() as unknown as { get: (after: number) => number | null }
    const all: number[] = []
    for (let kind = leap.get(0); kind !== null; kind = leap.get(kind)) all.push(kind)
    return all
  }

  #rowsOf(
    { order, conditions, values }: Terms,
    kind: number | undefined,
    direction: RecordQuestion['direction'],
    limit: number,
  ): Row[] {
    const all = kind === undefined ? conditions : [...conditions, 'kind = ?']
    const where = all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`
    const way = direction === 'forwards' ? 'ASC' : 'DESC'
    const text =
      `SELECT ${order} AS at, text AS repository, position FROM ` +
      `(SELECT sequence, repository, position FROM found ${where} ORDER BY ${order} ${way} LIMIT ?) ` +
      `JOIN name ON name.id = repository ORDER BY ${order} ${way}`
    const given = kind === undefined ? values : [...values, kind]
    return this.#database.prepare(text).all(...given, limit) as Row[]
  }

  #nameId(text: string): number | undefined {
    return this.#database.prepare('SELECT id FROM name WHERE text = ?').pluck().get(text) as
      number | undefined
  }
}
