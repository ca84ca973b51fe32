/** Knows what an operator can ask for and do, whether a gateway runs or not. Contracts only. */
import type { Readable } from 'node:stream'
import type {
  ArchiveView,
  ClientView,
  EndedView,
  ItemView,
  JournalPageView,
  LinkView,
  LockView,
  MadeTokenView,
  MaintenanceView,
  NotifyTestView,
  OverlayView,
  RecordView,
  RepositoryView,
  Role,
  TokenView,
  UnfencedView,
  VerificationView,
} from './views.js'

/** Who acts and why; both stand in the journal. */
export interface Act {
  readonly by: string
  readonly reason: string
}

export interface ReleaseAct extends Act {
  /** The operator insists on what cannot be proved. */
  readonly isForced: boolean
}

export interface JournalQuestion {
  /** All repositories, without one. */
  readonly repository?: string | undefined
  /** From this position of each journal on. */
  readonly position?: number | undefined
  /** Only what was recorded at this time or later: milliseconds since the epoch. */
  readonly time?: number | undefined
  /** Goes on with what is recorded later, until the signal. */
  readonly isFollowed: boolean
}

/** One page of the journals, as they can be found: what was sealed into archives is not among it. */
export interface FindingQuestion {
  readonly repository?: string | undefined
  /** A user; or an address, where nobody was asked for a user. */
  readonly client?: string | undefined
  readonly kinds?: readonly string[] | undefined
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** forwards: the oldest first. */
  readonly direction: 'forwards' | 'backwards'
  /** Where to go on from. */
  readonly cursor?: string | undefined
  readonly limit: number
}

export interface TokenAct {
  readonly name: string
  readonly role: Role
  readonly by: string
}

export interface ItemsQuestion {
  readonly repository?: string | undefined
  /** Items that were released, discarded, dropped or resolved as well. */
  readonly isWhole: boolean
}

export interface VerificationQuestion {
  readonly repository?: string | undefined
  /** A hash that must be in the chain of one of the journals. */
  readonly head?: string | undefined
}

export interface ArchivingQuestion {
  readonly repository?: string | undefined
}

/** Everything rejects with an AdminError where the answer is no. */
export interface Admin {
  /** `isGlance`: which of them lie on the disk may be what it was a minute ago. */
  readonly status: (repository?: string, isGlance?: boolean) => Promise<RepositoryView[]>
  /** What is kept beside the repositories without a fence; null where nothing is, or no gateway runs. */
  readonly unfenced: () => Promise<UnfencedView>
  /** Answers the writer as it was. */
  readonly endWriter: (id: string, by: string) => Promise<EndedView>
  readonly items: (question: ItemsQuestion) => Promise<ItemView[]>
  readonly item: (id: string) => Promise<ItemView>
  /** The exact bytes of an item. */
  readonly bytes: (id: string) => Promise<Readable>
  readonly release: (id: string, act: ReleaseAct) => Promise<ItemView>
  readonly discard: (id: string, act: Act) => Promise<ItemView>
  /** The repository as it would be with these items released, to be checked by a client. */
  readonly overlay: (items: readonly string[]) => Promise<OverlayView>
  readonly overlayOf: (id: string) => Promise<OverlayView>
  /** In the order of time, and within a repository in the order of its journal. */
  readonly journal: (
    question: JournalQuestion,
    signal: AbortSignal,
  ) => AsyncIterable<RecordView>
  readonly find: (question: FindingQuestion) => Promise<JournalPageView>
  /** Who commits snapshots, and when last. */
  readonly clients: (repository?: string) => Promise<ClientView[]>
  readonly locks: (repository: string) => Promise<LockView[]>
  readonly maintenances: (repository: string) => Promise<MaintenanceView[]>
  readonly verify: (question: VerificationQuestion) => Promise<VerificationView[]>
  /** Seals what lies before every living view of each journal. */
  readonly archive: (question: ArchivingQuestion) => Promise<ArchiveView[]>
  /** Raises the generation; answers the new one. */
  readonly fence: (repository: string, act: Act) => Promise<number>
  readonly tokens: () => Promise<TokenView[]>
  readonly addToken: (act: TokenAct) => Promise<MadeTokenView>
  readonly revokeToken: (id: string) => Promise<TokenView>
  /** Signs a browser in as the operator `by`, once. */
  readonly link: (by: string) => Promise<LinkView>
  /** Sends a test to each target of notification. */
  readonly testNotification: () => Promise<NotifyTestView[]>
}

export { AdminError, type AdminErrorCode, type AdminReason } from './reasons.js'
