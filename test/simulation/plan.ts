/** What happens in a history, as data: made from a seed, and shortened by leaving parts out. */
import type { Troubles } from './faults.js'

export const setups = ['shared', 'users', 'hidden', 'http2', 'tagged'] as const
export type Setup = (typeof setups)[number]

/**
 * rough: everything goes wrong. gentle: connections do not break, no answer is lost, nothing comes late or twice, stores
 * are well and the gateway does not restart; processes still idle, sleep, are killed, and unlock one another. restarted: as
 * gentle, but for the gateway, which restarts once or twice.
 */
export const networks = ['rough', 'gentle', 'restarted'] as const
export type Network = (typeof networks)[number]

export const commands = [
  'backup',
  'prune',
  'forget',
  'forget --prune',
  'tag',
  'copy',
  'repair index',
  'migrate',
  'unlock',
  'unlock --remove-all',
  'check',
  'snapshots',
  'monitor',
  'ls',
  'restore',
  'list locks',
  'key add',
  'tool',
] as const
export type Command = (typeof commands)[number]

/**
 * What befalls a process's request of this number. unsent: it never arrives. unanswered: its answer does not (the line
 * stays half open where `ms` is not 0). delayed: it arrives so much later, after the client has given up on it; from a
 * minute on perhaps by a line that the gateway has not heard of before. duplicated: it arrives once more, later. broken: its
 * body breaks off. garbled: other bytes arrive than were sent. fresh: it comes on a new connection.
 */
export interface Mishap {
  readonly at: number
  readonly kind:
    'unsent' | 'unanswered' | 'delayed' | 'duplicated' | 'broken' | 'garbled' | 'fresh'
  readonly ms: number
}

export interface ProcessPlan {
  readonly id: number
  readonly command: Command
  readonly startMs: number
  /** Which machine, and so which user, it runs on. */
  readonly client: number
  /** up to 0.16, 0.17 to 0.18, 0.19. */
  readonly version: 'old' | 'new' | 'newest'
  /** The longest time between two requests. */
  readonly paceMs: number
  /** A long stretch of its work without a request, before the step of this number. */
  readonly idles: readonly { readonly at: number; readonly ms: number }[]
  /** Its cache holds no index and no snapshot, so it reads them. */
  readonly isCold: boolean
  /** A script runs it when this process is over. */
  readonly after?: number
  /** It waits for other locks to go. */
  readonly isPatient: boolean
  readonly usesFreshLines: boolean
  /** It comes by an address where only locks may be deleted. */
  readonly isAppendOnly: boolean
  readonly sleeps: readonly {
    readonly at: number
    readonly ms: number
    readonly isCut: boolean
  }[]
  readonly mishaps: readonly Mishap[]
  readonly roams: readonly { readonly at: number; readonly to: number }[]
  readonly killedAt?: number
}

/** What an operator does, or what befalls the gateway as a whole. */
export interface Incident {
  readonly atMs: number
  readonly kind:
    | 'end a dead writer'
    | 'end a living writer'
    | 'raise the generation'
    | 'release a pack'
    | 'discard an item'
    | 'restart'
    | 'jump of the clock'
    | 'outside prune'
  readonly ms: number
}

export interface Plan {
  readonly seed: number
  readonly setup: Setup
  readonly network: Network
  readonly quarantineBytesMax: number
  readonly processes: readonly ProcessPlan[]
  readonly incidents: readonly Incident[]
  readonly troubles: Troubles
}
