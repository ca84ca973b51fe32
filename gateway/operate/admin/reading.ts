/** Knows how journals are read as they stand: one after another by time, followed as they grow, and proved. */
import { readArchive } from '../../../fencing/journal/archive.js'
import { archivesOf } from '../../../fencing/journal/base.js'
import { emptyHead, follows } from '../../../fencing/journal/chain.js'
import type { RepositoryId } from '../../../fencing/object.js'
import {
  BackendError,
  type BackendErrorCode,
  type JournalArchives,
  type JournalStore,
  type StoredRecord,
} from '../../../fencing/ports.js'
import { recordSentence } from '../words/record-sentence.js'
import type { RecordView, VerificationView } from './views.js'

const readRecordsMax = 2_000

export interface Span {
  /** The first position that is wanted. */
  readonly position: number
  /** The earliest time that is wanted. */
  readonly time: number
}

export function viewRecord(repository: RepositoryId, record: StoredRecord): RecordView {
  const { position, hash } = record
  const time = new Date(record.time).toISOString()
  const { kind, ...event } = eventOf(record.body)
  // One kind of event has a position of its own: up to where records were sealed.
  const upTo = 'position' in event ? { upTo: event.position } : {}
  const sentence = recordSentence(record.body)
  return { ...event, ...upTo, repository, position, time, hash, kind, sentence }
}

/** A body that was tampered with is shown as it is. */
function eventOf(body: string): { readonly kind: string; readonly [field: string]: unknown } {
  try {
    const event: unknown = JSON.parse(body)
    if (typeof event === 'object' && event !== null && 'kind' in event) {
      return { ...event, kind: String(event.kind) }
    }
  } catch {
    // Shown below.
  }
  return { kind: 'unreadable', body }
}

/** A journal with the archives that its sealed records lie in. */
export interface WholeJournal {
  readonly journal: JournalStore
  readonly archives: JournalArchives
}

/** Archives first, where they have anything of the span. Throws `not-found` where one is missing. */
export async function* readOne(
  { journal, archives }: WholeJournal,
  repository: RepositoryId,
  span: Span,
): AsyncGenerator<StoredRecord> {
  const isWanted = ({ position, time }: StoredRecord): boolean =>
    position >= span.position && time >= span.time
  const base = await journal.base(repository)
  for (const archive of base === undefined ? [] : archivesOf(base.text)) {
    if (archive.to < span.position || archive.until < span.time) continue
    for await (const record of readArchive(archives, repository, archive)) {
      if (isWanted(record)) yield record
    }
  }
  let after = Math.max(base?.position ?? 0, span.position - 1)
  for (;;) {
    const records = await journal.read(repository, after, readRecordsMax)
    const isGap = records[0] !== undefined && records[0].position > after + 1
    if (isGap && ((await journal.base(repository))?.position ?? 0) > after) {
      // Sealed while this was read: the rest is in an archive by now.
      yield* readOne({ journal, archives }, repository, { ...span, position: after + 1 })
      return
    }
    for (const record of records) if (isWanted(record)) yield record
    if (records.length < readRecordsMax) return
    after = records.at(-1)?.position ?? after
  }
}

/** Merges journals by time; each keeps its own order, whatever the clock did. */
export async function* readMany(
  whole: WholeJournal,
  repositories: readonly RepositoryId[],
  spanOf: (repository: RepositoryId) => Span,
): AsyncGenerator<{ repository: RepositoryId; record: StoredRecord }> {
  const heads: {
    repository: RepositoryId
    record: StoredRecord
    rest: AsyncGenerator<StoredRecord>
  }[] = []
  for (const repository of repositories) {
    const rest = readOne(whole, repository, spanOf(repository))
    const first = await rest.next()
    if (first.done !== true) heads.push({ repository, record: first.value, rest })
  }
  for (;;) {
    const [first, ...others] = heads
    if (first === undefined) return
    const next = others.reduce(
      (least, one) => (one.record.time < least.record.time ? one : least),
      first,
    )
    const { repository, record } = next
    yield { repository, record }
    const following = await next.rest.next()
    if (following.done === true) heads.splice(heads.indexOf(next), 1)
    else next.record = following.value
  }
}

/** What is damaged or missing is what verifying is to find. */
const findings: ReadonlySet<BackendErrorCode> = new Set(['corrupt', 'not-found'])

/** Proves one chain from its beginning, and looks for a head that was noted elsewhere. */
export async function verifyOne(
  whole: WholeJournal,
  repository: RepositoryId,
  wanted: string | undefined,
): Promise<VerificationView> {
  let head = emptyHead
  let hasHead = wanted === emptyHead.hash
  let bad: VerificationView['bad'] = null
  try {
    for await (const record of readOne(whole, repository, {
      position: 1,
      time: Number.NEGATIVE_INFINITY,
    })) {
      if (!follows(head, record)) {
        bad = { position: record.position, why: whyBad(head.position, record) }
        break
      }
      head = { position: record.position, hash: record.hash }
      if (head.hash === wanted) hasHead = true
    }
  } catch (error) {
    const isFinding = error instanceof BackendError && findings.has(error.code)
    if (!isFinding) throw error
    bad = { position: head.position + 1, why: `it cannot be read: ${error.message}` }
  }
  return {
    repository,
    records: head.position,
    head: head.hash,
    bad,
    hasHead: wanted === undefined ? null : hasHead,
  }
}

function whyBad(before: number, { position }: StoredRecord): string {
  if (position === before + 1)
    return 'its hash does not follow from the record before and its content'
  return `record ${before + 1} is missing before it`
}
