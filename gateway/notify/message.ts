/** What is told, to whom, and what comes of telling it. Contracts only. */
import { z } from 'zod'
import { notifyEvents } from '../../config/notify-settings.js'

/** The last two are told to targets of their own: pings, and whoever is tested. */
export const noticeTypes = [...notifyEvents, 'snapshot.committed', 'notify.test'] as const

const notice = z.object({
  type: z.enum(noticeTypes),
  /** Null where it is of the whole gateway. */
  repository: z.string().nullable(),
  /** A user, else an address; null where it is not known. */
  client: z.string().nullable(),
  sentence: z.string(),
  /** Milliseconds since the epoch. */
  time: z.number(),
  /** In the journal of the repository; null for what stands in none. */
  position: z.number().nullable(),
})

export const messageSchema = z.object({
  /** The same for each try, so that whoever hears it twice knows. */
  id: z.string(),
  /** The newest of those that it stands for. */
  notice,
  count: z.number(),
  /** When the first of them was. */
  since: z.number(),
  dueAt: z.number(),
  tries: z.number(),
})

export type Notice = z.infer<typeof notice>
export type Message = z.infer<typeof messageSchema>

export type Outcome =
  | { readonly kind: 'arrived' }
  /** `retryAfterMs`: the target asked to be left alone for so long. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number }
  /** The target wants nothing any more. */
  | { readonly kind: 'gone'; readonly why: string }

export interface Sender {
  /** For people: no secret is in it. */
  readonly name: string
  /** Stays the same as long as it is the same target, over restarts too. */
  readonly key: string
  /** Only the newest of a repository and client counts, as for a ping that says how things stand. */
  readonly isNewestOnly: boolean
  readonly wants: (notice: Notice) => boolean
  /** Ends within its own timeout, or with the signal. Never rejects. */
  readonly deliver: (message: Message, signal: AbortSignal) => Promise<Outcome>
}
