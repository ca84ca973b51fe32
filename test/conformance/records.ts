/** Knows how to make journal records; also used in processes that are no tests. */
import { chainHash } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import type { JournalBatch, JournalHead, StoredRecord } from '../../fencing/ports.js'

/** Records that follow on a head, chained as the core chains them. */
export function recordsAfter(head: JournalHead, ...bodies: readonly string[]): StoredRecord[] {
  let last = head
  return bodies.map((body) => {
    const position = last.position + 1
    const time = 1_700_000_000_000 + position
    const hash = chainHash(last.hash, { position, time, body })
    last = { position, hash }
    return { position, time, body, hash }
  })
}

export function batchOf(
  repository: RepositoryId,
  records: readonly StoredRecord[],
  unsettled: readonly number[] = [],
): JournalBatch {
  return { repository, records, unsettled }
}
