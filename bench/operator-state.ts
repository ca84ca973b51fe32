/** Fills a state folder as years of daily backups would: many repositories, and journals of many records. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSqliteJournal } from '../backends/sqlite/sqlite-journal.js'
import { chainHash, emptyHead } from '../fencing/journal/chain.js'
import type { RepositoryId } from '../fencing/object.js'
import type { JournalStore, StoredRecord } from '../fencing/ports.js'
import { stateFolderOf } from '../gateway/program/state/places.js'

export interface FillOptions {
  readonly repositories: number
  /** Over all repositories. */
  readonly records: number
}

const recordsOfRun = 5
export const dayMs = 24 * 60 * 60_000

export const nameOf = (at: number): string => `team-${at % 10}/host-${at}`

/** What a client records each day: a run begins, looks, saves a pack and a snapshot, and ends. */
function* eventsOf(user: string, count: number): Generator<object> {
  yield { kind: 'adopted', locks: [], indexes: [] }
  for (let at = 1; at < count; at += recordsOfRun) {
    const writer = `w-${at.toString(16).padStart(8, '0')}`
    const author = { kind: 'writer', writer }
    const hash = createHash('sha256').update(`${user} ${at}`).digest('hex')
    const saved = { kind: 'committed', size: 400, author, staged: `s-${at}` }
    yield { kind: 'opened', writer, client: { user, address: '192.0.2.1' }, view: at - 1 }
    yield { kind: 'looked', writers: [writer], sure: true }
    yield { ...saved, object: `data/${hash}` }
    yield { ...saved, object: `snapshots/${hash}` }
    yield { kind: 'ended', writer, cause: 'unlocked' }
  }
}

/** One repository is one transaction. */
async function fillOne(
  journal: JournalStore,
  repository: RepositoryId,
  { at, count }: { readonly at: number; readonly count: number },
): Promise<void> {
  const begun = Date.now() - (count / recordsOfRun) * dayMs
  let head = emptyHead
  const records: StoredRecord[] = []
  for (const event of eventsOf(`host-${at}`, count)) {
    const position = head.position + 1
    const time = Math.round(begun + (position / recordsOfRun) * dayMs) + at
    const record = { position, body: JSON.stringify(event), time }
    head = { position, hash: chainHash(head.hash, record) }
    records.push({ ...record, hash: head.hash })
  }
  await journal.append({ repository, records, unsettled: [] })
}

export async function fillState(root: string, options: FillOptions): Promise<void> {
  const state = stateFolderOf(root)
  await mkdir(state, { mode: 0o700 })
  const journal = await openSqliteJournal({ file: join(state, 'journal.sqlite') })
  const count = Math.max(recordsOfRun + 1, Math.floor(options.records / options.repositories))
  for (let at = 0; at < options.repositories; at += 1) {
    const name = nameOf(at)
    await mkdir(join(root, name, 'snapshots'), { recursive: true })
    await writeFile(join(root, name, 'config'), 'config')
    await fillOne(journal, name as RepositoryId, { at, count })
  }
  await journal.close()
}
