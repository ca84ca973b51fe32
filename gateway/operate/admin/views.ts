/** What an operator is shown: the exact fields of every `--json`. */
import { z } from 'zod'

/**
 * sleeper: not overtaken, and this gateway has run for ten minutes without a request that may be its. broken: its maintenance
 * was refused once. gone: overtaken or broken, told so or without a write, and its client has closed everything.
 */
export const writerStates = ['current', 'sleeper', 'stale', 'broken', 'gone'] as const

const writer = z.object({
  id: z.string(),
  client: z.string(),
  user: z.string().nullable(),
  address: z.string(),
  tag: z.string().nullable(),
  generation: z.number(),
  state: z.enum(writerStates),
  locks: z.number(),
  lastSeen: z.string(),
  /** The connection that it was surely heard on last; null where none is known. */
  connection: z.object({ from: z.string(), time: z.string() }).nullable(),
  /** This gateway has run for ten minutes without a request that may be its. */
  silent: z.boolean(),
})

export const repositoryView = z.object({
  name: z.string(),
  generation: z.number(),
  writers: z.array(writer),
  locks: z.number(),
  quarantined: z.object({ count: z.number(), bytes: z.number() }),
  maintenance: z
    .object({ writer: z.string(), generation: z.number(), since: z.string() })
    .nullable(),
  /** Since when this gateway's journal knows the repository; null where it does not yet. */
  adopted: z.string().nullable(),
  /** When and how the folder was last found used past the gateway: how many objects vanished or appeared. */
  outside: z
    .object({ time: z.string(), vanished: z.number(), appeared: z.number() })
    .nullable(),
  /** observe: nothing is protected. Null where it is not known. */
  fencing: z.enum(['enforce', 'observe']).nullable(),
  /** How often what would have been refused was let through while observing, by the reason. */
  passed: z.record(z.string(), z.number()),
  /** Whether files beside the repositories are served, which nothing fences. Null where no gateway runs. */
  plainFiles: z.boolean().nullable(),
  /** False: no client can open it, and all else that stands there is useless without it. */
  hasConfig: z.boolean(),
  /** Why nothing is committed, where that is so. */
  fault: z.string().nullable(),
})

/** What lies at the top of the folder and is no repository, nor leads to one, where plain files are served. */
export const unfencedView = z
  .object({ count: z.number(), names: z.array(z.string()) })
  .nullable()

export const endedView = writer.extend({ repository: z.string() })

export const itemView = z.object({
  id: z.string(),
  repository: z.string(),
  object: z.string(),
  client: z.string(),
  /** Null where it is not known which of the candidates it was. */
  writer: z.string().nullable(),
  candidates: z.array(z.string()),
  reason: z.string(),
  generation: z.number(),
  currentGeneration: z.number(),
  /** The maintenance that overtook the writer; `by` is null where an operator raised the generation. */
  run: z.object({ by: z.string().nullable(), generation: z.number() }).nullable(),
  size: z.number(),
  /** Whether the bytes are there. */
  kept: z.boolean(),
  tries: z.number(),
  time: z.string(),
  lastTry: z.string(),
  position: z.number(),
  state: z.string(),
})

/** What a run of a client has read of an overlay. */
const readProof = z.object({
  indexes: z.number(),
  snapshots: z.number(),
  packs: z.number(),
  packsRead: z.number(),
})

/** A repository as it would be with some items released. */
export const overlayView = z.object({
  id: z.string(),
  repository: z.string(),
  items: z.array(z.string()),
  /** Where it is, below the address of the gateway. */
  path: z.string(),
  /** What checks it; HOST stands for the gateway where its address is not known. */
  command: z.string(),
  /**
   * unread: nobody has begun. reading: a run is at it, or has left before the end. read: the whole was read, so its items
   * may be released. spoiled: packs or indexes are gone since, so it has to be read once more.
   */
  state: z.enum(['unread', 'reading', 'read', 'spoiled']),
  /** How many indexes and snapshots the run has still to read. */
  left: z.number(),
  proof: readProof.nullable(),
})

/** An event at its place in a journal, with the event's own fields beside. */
export const recordView = z.looseObject({
  repository: z.string(),
  position: z.number(),
  time: z.string(),
  hash: z.string(),
  kind: z.string(),
  /** What happened, for people. */
  sentence: z.string(),
})

/** `cursor` is where to go on from: the position within one repository, else a place in the order of all. */
export const foundRecordView = recordView.extend({ cursor: z.string() })

export const journalPageView = z.object({
  records: z.array(foundRecordView),
  /** The cursor of the next page in the same direction; null where this is the last. */
  next: z.string().nullable(),
  /** The cursor was of an earlier count: what is answered begins anew, and may repeat what was answered before. */
  anew: z.boolean(),
})

/** A client that commits snapshots to a repository. */
export const clientView = z.object({
  repository: z.string(),
  client: z.string(),
  /** When it last committed a snapshot through this gateway. */
  lastSnapshot: z.string(),
  /** How long it usually is between two; null where there are too few to say. */
  usuallyMs: z.number().nullable(),
  /** It is more than twice as long as usual. */
  overdue: z.boolean(),
})

export const lockView = z.object({
  object: z.string(),
  /** When it was written. */
  time: z.string(),
  /** Null where it is not known which of the candidates posted it. */
  writer: z.string().nullable(),
  candidates: z.array(z.string()),
})

/** Of those that a view of a writer may still be overtaken by; the journal has all. */
export const maintenanceView = z.object({
  generation: z.number(),
  /** Null where an operator raised the generation, or it was not through this gateway. */
  writer: z.string().nullable(),
  /** The position of its last deletion. */
  last: z.number(),
  kind: z.enum(['maintenance', 'outside', 'by hand']),
})

export const roles = ['viewer', 'operator'] as const

/** The token itself is told once, when it is made. */
export const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  made: z.string(),
  madeBy: z.string(),
})
export const madeTokenView = tokenView.extend({ token: z.string() })

/** A link that signs a browser in, once. */
export const linkView = z.object({ url: z.string(), expires: z.string() })

export const settingsView = z.object({
  settings: z.record(z.string(), z.object({ value: z.unknown(), from: z.string() })),
  listeners: z.array(z.looseObject({ listen: z.string() })),
  warnings: z.array(z.string()),
})

export const findingView = z.object({
  check: z.string(),
  level: z.enum(['ok', 'advice', 'warning', 'problem']),
  text: z.string(),
})

/** Of each target; `why` says what kept a test from arriving. */
export const notifyTestView = z.object({
  target: z.string(),
  arrived: z.boolean(),
  why: z.string().nullable(),
})

export const verificationView = z.object({
  repository: z.string(),
  /** Records whose chain holds. */
  records: z.number(),
  head: z.string(),
  /** The first bad record and what is wrong with it. */
  bad: z.object({ position: z.number(), why: z.string() }).nullable(),
  /** Whether the head that was asked for is in the chain; null where none was. */
  hasHead: z.boolean().nullable(),
})

export const archiveView = z.object({
  repository: z.string(),
  /** How many records have left the journal; 0 where there was nothing to seal. */
  records: z.number(),
  /** The name of the file in the archive folder of the state. */
  archive: z.string().nullable(),
})

export type WriterState = (typeof writerStates)[number]
export type WriterView = z.infer<typeof writer>
export type RepositoryView = z.infer<typeof repositoryView>
export type ArchiveView = z.infer<typeof archiveView>
export type UnfencedView = z.infer<typeof unfencedView>
export type EndedView = z.infer<typeof endedView>
export type ItemView = z.infer<typeof itemView>
export type OverlayView = z.infer<typeof overlayView>
export type RecordView = z.infer<typeof recordView>
export type VerificationView = z.infer<typeof verificationView>
export type FoundRecordView = z.infer<typeof foundRecordView>
export type JournalPageView = z.infer<typeof journalPageView>
export type LockView = z.infer<typeof lockView>
export type MaintenanceView = z.infer<typeof maintenanceView>
export type Role = (typeof roles)[number]
export type TokenView = z.infer<typeof tokenView>
export type MadeTokenView = z.infer<typeof madeTokenView>
export type LinkView = z.infer<typeof linkView>
export type SettingsView = z.infer<typeof settingsView>
export type ClientView = z.infer<typeof clientView>
export type NotifyTestView = z.infer<typeof notifyTestView>
