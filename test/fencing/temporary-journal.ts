import {
  BackendError,
  type JournalBatch,
  type JournalStore,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'
export type MemoryJournal = JournalStore
export function memoryJournal(): JournalStore {
  const records: StoredRecord[] = []
  const unsettled = new Set<number>()
  const tries = new Map<string, TriesNote>()
  return {
    repositories: async () => [],
    head: async () => ({
      position: records.length,
      hash: records.at(-1)?.hash ?? '0'.repeat(64),
    }),
    read: async (_r, after, limit) => records.slice(after, after + limit),
    unsettled: async () => [...unsettled],
    append: async (batch: JournalBatch) => {
      if (batch.records[0] && batch.records[0].position !== records.length + 1)
        throw new BackendError('conflict', 'c')
      records.push(...batch.records)
      for (const p of batch.unsettled) unsettled.add(p)
    },
    settle: async (_r, positions) => positions.forEach((p) => unsettled.delete(p)),
    tries: async () => [...tries.values()],
    noteTries: async (_r, note) => void tries.set(note.item, note),
    close: async () => undefined,
  }
}
