/**
 * Knows how the records that no living view leans on leave the journal: into an archive, with the state that they come
 * to as the base on which the journal goes on.
 *
 * A crash between any two steps loses nothing and is made good by sealing again: an archive that no base names is written
 * anew, a `sealed` record without its base says only that somebody had begun, and the base takes the records' place in one
 * transaction.
 */
import { archiveLines, archiveName, readArchive, type Archive } from './archive.js'
import { archivesOf, baseHash, writeBase } from './base.js'
import { emptyHead } from './chain.js'
import type { ItemId, JournalEvent, Position } from './event.js'
import { Allowance, isOpen } from '../state/item.js'
import { RepositoryJournal } from './journal.js'
import type { RepositoryId } from '../object.js'
import {
  BackendError,
  type Clock,
  type JournalArchives,
  type JournalStore,
  type StoredRecord,
} from '../ports.js'

export interface SealingOptions {
  readonly store: JournalStore
  readonly archives: JournalArchives
  readonly repository: RepositoryId
  readonly clock: Clock
  /** The last record to go. All up to it must be settled. */
  readonly to: Position
  /** Resolves when the event is durable. */
  readonly record: (event: JournalEvent) => Promise<void>
  /** Whether the state as it is now knows an item. */
  readonly isKnown: (item: string) => boolean
}

const readRecordsMax = 2_000

/** Answers undefined where there is nothing to seal. */
export async function seal(options: SealingOptions): Promise<Archive | undefined> {
  const { store, archives, repository, clock, to, record, isKnown } = options
  const base = await store.base(repository)
  const before = base ?? emptyHead
  if (to <= before.position) return undefined
  const { journal } = await RepositoryJournal.load({
    store,
    repository,
    clock,
    allowance: new Allowance(Number.POSITIVE_INFINITY),
    until: to,
  })
  const from = before.position + 1
  const name = archiveName(repository, from, to)
  let until = 0
  const records = recordsOf(store, repository, before.position, to, (time) => {
    until = Math.max(until, time)
  })
  const sha256 = await archives.write(name, archiveLines(repository, before, records))
  const archive: Archive = { name, from, to, until, sha256 }
  const { hash } = journal.head
  await prove(archives, repository, archive, hash)
  const sealed = base === undefined ? [] : archivesOf(base.text)
  const text = writeBase({ archives: [...sealed, archive], state: journal.state })
  await record({
    kind: 'sealed',
    position: to,
    hash,
    archive: name,
    sha256,
    base: baseHash(text),
  })
  // The base has the tries of those that nobody can try again.
  const items = (await store.tries(repository)).map(({ item }) => item)
  const over = items.filter((id) => {
    const item = journal.state.items.get(id as ItemId)
    return item === undefined ? !isKnown(id) : !isOpen(item)
  })
  await store.rebase(repository, { position: to, hash, text }, over)
  return archive
}

async function* recordsOf(
  store: JournalStore,
  repository: RepositoryId,
  after: Position,
  to: Position,
  onTime: (time: number) => void,
): AsyncGenerator<StoredRecord> {
  for (let last = after; last < to;) {
    const records = await store.read(repository, last, Math.min(readRecordsMax, to - last))
    for (const record of records) {
      onTime(record.time)
      yield record
    }
    last += records.length
    if (records.length === 0) throw new BackendError('corrupt', `record ${last + 1} is missing`)
  }
}

/** What was written is read back before what it replaces goes. */
async function prove(
  archives: JournalArchives,
  repository: RepositoryId,
  archive: Archive,
  hash: string,
): Promise<void> {
  let last: StoredRecord | undefined
  for await (const record of readArchive(archives, repository, archive)) last = record
  if (last?.hash === hash) return
  throw new BackendError('corrupt', `the archive "${archive.name}" is not what was written`)
}
