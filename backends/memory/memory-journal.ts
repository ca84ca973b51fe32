/** A journal that lives as long as its process, for tests and simulations. */
import { emptyHead } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type HeardNote,
  type JournalBase,
  type JournalHead,
  type JournalStore,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'

interface Kept {
  /** Those after the base. */
  readonly records: StoredRecord[]
  base?: JournalBase
  readonly unsettled: Set<number>
  readonly tries: Map<string, TriesNote>
  heard?: readonly HeardNote[]
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
    const { records, base } = keptOf(repository)
    const last = records.at(-1) ?? base
    return last === undefined ? emptyHead : { position: last.position, hash: last.hash }
  }

  return {
    repositories: () =>
      within(() => [...all.keys()].filter((name) => headOf(name).position > 0).sort()),
    head: (repository) => within(() => headOf(repository)),
    read: (repository, after, limit) =>
      within(() => {
        const { records, base } = keptOf(repository)
        const first = Math.max(0, after - (base?.position ?? 0))
        return records.slice(first, first + limit)
      }),
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
    base: (repository) => within(() => keptOf(repository).base),
    rebase: (repository, base, over = []) =>
      within(() => {
        const kept = keptOf(repository)
        const before = kept.base?.position ?? 0
        const count = base.position - before
        const isUnsettled = [...kept.unsettled].some((position) => position <= base.position)
        if (count <= 0 || kept.records[count - 1]?.hash !== base.hash || isUnsettled) {
          throw new BackendError('conflict', `no base can be put at ${base.position}`)
        }
        kept.records.splice(0, count)
        kept.base = base
        for (const item of over) kept.tries.delete(item)
      }),
    tries: (repository) =>
      within(() =>
        [...keptOf(repository).tries.values()].sort((a, b) => (a.item < b.item ? -1 : 1)),
      ),
    noteTries: (repository, note) =>
      within(() => {
        keptOf(repository).tries.set(note.item, note)
      }),
    heard: (repository) => within(() => [...(keptOf(repository).heard ?? [])]),
    noteHeard: (repository, notes) =>
      within(() => {
        keptOf(repository).heard = notes
      }),
    close: async () => {
      isClosed = true
    },
  }
}
