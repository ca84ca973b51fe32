/** The messages that a search and its thread exchange. */
import type { NotedRecord, RecordQuestion } from './question.js'

export type SearchMessage =
  | { readonly kind: 'known' }
  | {
      readonly kind: 'note'
      readonly repository: string
      readonly records: readonly NotedRecord[]
    }
  | { readonly kind: 'end-round' }
  | { readonly kind: 'find'; readonly question: RecordQuestion }
  | { readonly kind: 'snapshots'; readonly repository?: string | undefined }
  | { readonly kind: 'begin-anew' }
  | { readonly kind: 'close' }

export interface SearchReply {
  readonly id: number
  readonly answer?: unknown
  readonly fault?: string
}
