/** Knows how sealed records lie in an archive: a line that says which they are, then one line each, chained as before. */
import { createHash } from 'node:crypto'
import { follows } from './chain.js'
import type { Position } from './event.js'
import type { RepositoryId } from '../object.js'
import {
  BackendError,
  type JournalArchives,
  type JournalHead,
  type StoredRecord,
} from '../ports.js'

const format = 1

export interface Archive {
  readonly name: string
  /** Its first and its last record. */
  readonly from: Position
  readonly to: Position
  /** The latest time of its records, in milliseconds since the epoch. */
  readonly until: number
  /** Of the file. */
  readonly sha256: string
}

/** Names sort as positions do. A repository may have any name, so its own is in the file and only hashed here. */
export function archiveName(repository: RepositoryId, from: Position, to: Position): string {
  const hash = createHash('sha256').update(repository).digest('hex').slice(0, 16)
  const [first, last] = [from, to].map((position) => String(position).padStart(10, '0'))
  return `${hash}-${first ?? ''}-${last ?? ''}.jsonl.gz`
}

export async function* archiveLines(
  repository: RepositoryId,
  before: JournalHead,
  records: AsyncIterable<StoredRecord>,
): AsyncGenerator<string> {
  yield JSON.stringify({ format, repository, after: before.position, hash: before.hash })
  for await (const record of records) yield JSON.stringify(record)
}

/** Proves each record by the one before. Throws `not-found` where the file is missing, `corrupt` where it is damaged. */
export async function* readArchive(
  archives: JournalArchives,
  repository: RepositoryId,
  { name, from, to }: Archive,
): AsyncGenerator<StoredRecord> {
  let head: JournalHead | undefined
  for await (const line of archives.read(name)) {
    if (head === undefined) {
      head = beforeIn(line, repository)
      if (head?.position === from - 1) continue
      throw damaged(name, `it does not begin with record ${from} of "${repository}"`)
    }
    const record = recordIn(line)
    if (record === undefined || !follows(head, record)) {
      throw damaged(name, `record ${head.position + 1} does not follow on the one before`)
    }
    head = { position: record.position, hash: record.hash }
    yield record
  }
  if (head?.position !== to) throw damaged(name, `record ${to} is missing at its end`)
}

function beforeIn(line: string, repository: RepositoryId): JournalHead | undefined {
  const first = parsed(line)
  if (first?.['format'] !== format || first['repository'] !== repository) return undefined
  return { position: Number(first['after']), hash: String(first['hash']) }
}

function recordIn(line: string): StoredRecord | undefined {
  const value = parsed(line)
  const { position, time, body, hash } = value ?? {}
  if (typeof position !== 'number' || typeof time !== 'number') return undefined
  if (typeof body !== 'string' || typeof hash !== 'string') return undefined
  return { position, time, body, hash }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function damaged(name: string, what: string): BackendError {
  return new BackendError('corrupt', `the archive "${name}" is damaged: ${what}`)
}
