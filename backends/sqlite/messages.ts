/** The messages that the journal and its thread exchange. */
import type { RepositoryId } from '../../fencing/object.js'
import type {
  BackendErrorCode,
  HeardNote,
  JournalBase,
  JournalBatch,
  JournalHead,
  StoredRecord,
  TriesNote,
} from '../../fencing/ports.js'

/** Each question, and what it is answered with. */
interface Dialogue {
  readonly repositories: { readonly ask: unknown; readonly answer: RepositoryId[] }
  readonly head: { readonly ask: InRepository; readonly answer: JournalHead }
  readonly read: {
    readonly ask: InRepository & { readonly after: number; readonly limit: number }
    readonly answer: StoredRecord[]
  }
  readonly unsettled: { readonly ask: InRepository; readonly answer: number[] }
  readonly append: {
    readonly ask: { readonly batch: JournalBatch }
    readonly answer: undefined
  }
  readonly settle: {
    readonly ask: InRepository & { readonly positions: readonly number[] }
    readonly answer: undefined
  }
  readonly base: { readonly ask: InRepository; readonly answer: JournalBase | undefined }
  readonly rebase: {
    readonly ask: InRepository & {
      readonly base: JournalBase
      readonly over: readonly string[]
    }
    readonly answer: undefined
  }
  readonly tries: { readonly ask: InRepository; readonly answer: TriesNote[] }
  readonly noteTries: {
    readonly ask: InRepository & { readonly note: TriesNote }
    readonly answer: undefined
  }
  readonly heard: { readonly ask: InRepository; readonly answer: HeardNote[] }
  readonly noteHeard: {
    readonly ask: InRepository & { readonly notes: readonly HeardNote[] }
    readonly answer: undefined
  }
  readonly close: { readonly ask: unknown; readonly answer: undefined }
}

interface InRepository {
  readonly repository: RepositoryId
}

export type QuestionKind = keyof Dialogue
export type Ask<K extends QuestionKind> = Dialogue[K]['ask'] & { readonly kind: K }
export type Answer<K extends QuestionKind> = Dialogue[K]['answer']
export type Question = { [K in QuestionKind]: Ask<K> & { readonly id: number } }[QuestionKind]

export interface Fault {
  readonly code: BackendErrorCode
  readonly message: string
  /** The error of the operating system, where it is known. */
  readonly native?: string
}

/** The first reply has the id 0 and says whether the file could be opened. */
export interface Reply {
  readonly id: number
  readonly answer?: unknown
  readonly fault?: Fault
}
