/** A journal in place of one that cannot be used: every call fails as opening did, so reads are served and no write is. */
import type { BackendError, JournalStore } from '../../../fencing/ports.js'

export function refusingJournal(fault: BackendError): JournalStore {
  const refuse = (): Promise<never> => Promise.reject(fault)
  return {
    repositories: refuse,
    head: refuse,
    read: refuse,
    unsettled: refuse,
    append: refuse,
    settle: refuse,
    base: refuse,
    rebase: refuse,
    tries: refuse,
    noteTries: refuse,
    heard: refuse,
    noteHeard: refuse,
    close: async () => undefined,
  }
}
