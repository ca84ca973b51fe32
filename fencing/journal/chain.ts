/** Knows how journal records are chained: each hash covers the one before, so that nothing can be taken out unseen. */
import { createHash } from 'node:crypto'
import type { JournalHead, StoredRecord } from '../ports.js'

export const emptyHead: JournalHead = { position: 0, hash: '0'.repeat(64) }

/** SHA-256 over the hash before, the position, the time and the body, separated by line feeds. */
export function chainHash(previous: string, record: Omit<StoredRecord, 'hash'>): string {
  return createHash('sha256')
    .update(`${previous}\n${record.position}\n${record.time}\n${record.body}`)
    .digest('hex')
}

export function follows(head: JournalHead, record: StoredRecord): boolean {
  return record.position === head.position + 1 && chainHash(head.hash, record) === record.hash
}
