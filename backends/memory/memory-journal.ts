/** A journal that lives as long as its process, for tests and simulations. */
import { emptyHead } from '../../fencing/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type JournalHead,
  type JournalStore,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'

interface Kept {
  readonly records: StoredRecord[]
  readonly unsettled: Set<number>
  readonly tries: Map<string, TriesNote>
}

export function memoryJournal(): JournalStore {
  const all = new Map<RepositoryId, Kept>()
  let isClosed = false

  const within = async <T>(act: () => T): Promise<T> => {
    if (isClosed) throw new BackendError('unavailable', 'the journal is closed')
    return act()
  }
  const keptOf = (repository: RepositoryId): Kept => {
    const kept = all.get(repository) ?? { records: [], unsettled: new Set(), tries: new Map() }
    all.set(repository, kept)
    return kept
  }
  const headOf = (repository: RepositoryId): JournalHead => {
    const last = keptOf(repository).records.at(-1)
    return last === undefined ? emptyHead : { position: last.position, hash: last.hash }
  }

  return {
    repositories: () =>
      within(() => [...all.keys()].filter((name) => headOf(name).position > 0).sort()),
    head: (repository) => within(() => headOf(repository)),
    read: (repository, after, limit) =>
      within(() => keptOf(repository).records.slice(after, after + limit)),
    unsettled: (repository) =>
      within(() => [...keptOf(repository).unsettled].sort((a, b) => a - b)),
    append: ({ repository, records, unsettled }) =>
      within(() => {
        const { position } = headOf(repository)
        if (records.some((record, index) => record.position !== position + index + 1)) {
          throw new BackendError(
            'conflict',
            `the records do not follow on the journal of "${repository}" at ${position}`,
          )
        }
        const kept = keptOf(repository)
        kept.records.push(...records)
        for (const open of unsettled) kept.unsettled.add(open)
      }),
    settle: (repository, positions) =>
      within(() => {
        for (const position of positions) keptOf(repository).unsettled.delete(position)
      }),
    tries: (repository) =>
      within(() =>
        [...keptOf(repository).tries.values()].sort((a, b) => (a.item < b.item ? -1 : 1)),
      ),
    noteTries: (repository, note) =>
      within(() => {
        keptOf(repository).tries.set(note.item, note)
      }),
    close: async () => {
      isClosed = true
    },
  }
}
