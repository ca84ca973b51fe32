/** Watches a journal: whoever listens is told of each record once it is durable. */
import { parseEvent } from '../../fencing/journal/event.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import type { RepositoryId } from '../../fencing/object.js'
import type { JournalStore, StoredRecord } from '../../fencing/ports.js'

/** Must not throw, and must not wait. */
export type Observer = (repository: RepositoryId, recorded: Recorded) => void

/** The same journal; every batch that was appended to it is shown to the observer, in order. */
export function observed(
  journal: JournalStore,
  observe: Observer,
  appended?: (seconds: number) => void,
): JournalStore {
  return {
    ...bound(journal),
    append: async (batch) => {
      const began = performance.now()
      await journal.append(batch)
      appended?.((performance.now() - began) / 1000)
      for (const record of batch.records) show(batch.repository, record, observe)
    },
  }
}

function show(repository: RepositoryId, record: StoredRecord, observe: Observer): void {
  const { position, time, body } = record
  const event = parseEvent(body)
  if (event !== undefined) observe(repository, { position, time, event })
}

/** A journal may be an object of a class, whose methods a spread would lose. */
export function bound(journal: JournalStore): JournalStore {
  return {
    repositories: () => journal.repositories(),
    head: (repository) => journal.head(repository),
    read: (repository, after, limit) => journal.read(repository, after, limit),
    unsettled: (repository) => journal.unsettled(repository),
    append: (batch) => journal.append(batch),
    settle: (repository, positions) => journal.settle(repository, positions),
    base: (repository) => journal.base(repository),
    rebase: (repository, base, over) => journal.rebase(repository, base, over),
    tries: (repository) => journal.tries(repository),
    noteTries: (repository, note) => journal.noteTries(repository, note),
    heard: (repository) => journal.heard(repository),
    noteHeard: (repository, notes) => journal.noteHeard(repository, notes),
    close: () => journal.close(),
  }
}
