/** Decides what one target is told and when: joins what is alike, bounds what waits, and says when to try again. */
import { z } from 'zod'
import { messageSchema, type Message, type Notice, type Outcome } from './message.js'
import { delayAfter, waitMaxMs } from './retrying.js'

/** Names are chosen by clients, so they are no keys of objects. */
const numbers = z
  .array(z.tuple([z.string(), z.number()]))
  .transform((entries) => new Map(entries))
const maintenance = z.object({ generation: z.number(), writers: z.array(z.string()) })
const maintenances = z
  .array(z.tuple([z.string(), maintenance]))
  .transform((entries) => new Map(entries))

export const outboxSchema = z.object({
  /** Up to where each journal was read. */
  cursor: numbers,
  /** The maintenance of each repository whose end is still to be told, and who may be in it. */
  maintenances,
  /** What was so when it was looked at last, and was told. */
  holding: z.array(z.string()),
  /** Until when what is alike is joined. */
  windows: numbers,
  waiting: z.array(messageSchema),
  /** The target asked to be left alone until then. */
  heldUntil: z.number(),
  /** Why nothing is sent any more, where the target said so. */
  gone: z.string().nullable(),
})
export type OutboxState = z.infer<typeof outboxSchema>

export function formatOutbox(state: OutboxState): string {
  const entries = (_name: string, value: unknown): unknown =>
    value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : value
  return `${JSON.stringify(state, entries)}\n`
}

export const emptyOutbox = (cursor: OutboxState['cursor']): OutboxState => ({
  ...{ cursor, maintenances: new Map(), holding: [], windows: new Map(), waiting: [] },
  ...{ heldUntil: 0, gone: null },
})

export interface OutboxOptions {
  readonly isNewestOnly: boolean
  readonly digestMs: number
  /** Hex digits. */
  readonly makeId: () => string
  /** From 0 to 1. */
  readonly random: () => number
}

export type Settled = 'arrived' | 'again' | 'given-up' | 'gone'

/** The journal is the rest of the queue: it is read on when there is room. */
const waitingMax = 200
const windowsMax = 1_000

export class Outbox {
  readonly state: OutboxState
  readonly #options: OutboxOptions

  constructor(state: OutboxState, options: OutboxOptions) {
    this.state = state
    this.#options = options
  }

  get isFull(): boolean {
    return this.state.waiting.length >= waitingMax
  }

  /** The first of its kind is due at once; those that follow it are joined. */
  add(notice: Notice, now: number): void {
    const { isNewestOnly, digestMs, makeId } = this.#options
    const { state } = this
    const key = keyOf(notice)
    if (isNewestOnly)
      state.waiting = state.waiting.filter((one) => !isOfSame(one.notice, notice))
    const alike = state.waiting.find((one) => one.tries === 0 && isAlike(one.notice, notice))
    if (alike !== undefined) {
      alike.notice = notice
      alike.count += 1
      return
    }
    const dueAt = isNewestOnly ? now : Math.max(now, state.windows.get(key) ?? 0)
    const id = `msg_${makeId()}`
    state.waiting.push({ id, notice, count: 1, since: notice.time, dueAt, tries: 0 })
    if (!isNewestOnly) this.#openWindow(key, dueAt + digestMs, now)
  }

  /** What is to be sent now; it counts as tried from here on. */
  take(now: number): Message | undefined {
    const { waiting, heldUntil, gone } = this.state
    if (gone !== null || heldUntil > now) return undefined
    const message = waiting
      .filter(({ dueAt }) => dueAt <= now)
      .reduce<Message | undefined>(
        (first, one) => (first === undefined || one.dueAt < first.dueAt ? one : first),
        undefined,
      )
    if (message !== undefined) message.tries += 1
    return message
  }

  /** When something is to be sent; undefined where nothing waits. */
  nextDue(): number | undefined {
    const { waiting, heldUntil, gone } = this.state
    if (gone !== null || waiting.length === 0) return undefined
    const first = waiting.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity)
    return Math.max(first, heldUntil)
  }

  settle({ id, tries }: Message, outcome: Outcome, now: number): Settled {
    const { state } = this
    const drop = (): void => {
      state.waiting = state.waiting.filter((one) => one.id !== id)
    }
    switch (outcome.kind) {
      case 'arrived':
        drop()
        // It can be reached again: what waits for another try need not wait for its schedule.
        for (const one of state.waiting) if (one.tries > 0) one.dueAt = Math.min(one.dueAt, now)
        return 'arrived'
      case 'gone':
        state.gone = outcome.why
        state.waiting = []
        return 'gone'
      case 'failed': {
        const { retryAfterMs = 0 } = outcome
        const delay = delayAfter(tries, this.#options.random())
        state.heldUntil = now + retryAfterMs
        const message = state.waiting.find((one) => one.id === id)
        if (delay === undefined) {
          drop()
          return 'given-up'
        }
        if (message !== undefined) message.dueAt = now + Math.max(delay, retryAfterMs)
        return 'again'
      }
    }
  }

  /** A clock that was set back must not keep anything for years. */
  clamp(now: number): void {
    const { state } = this
    const latest = now + 2 * waitMaxMs
    state.heldUntil = Math.min(state.heldUntil, latest)
    for (const message of state.waiting) message.dueAt = Math.min(message.dueAt, latest)
    for (const [key, until] of state.windows) if (until > latest) state.windows.delete(key)
  }

  #openWindow(key: string, until: number, now: number): void {
    const { windows } = this.state
    windows.delete(key)
    windows.set(key, until)
    for (const [oldest, end] of windows) {
      // Of one that is dropped while it is open, what follows is told once more than it need be.
      if (end > now && windows.size <= windowsMax) return
      windows.delete(oldest)
    }
  }
}

function keyOf({ type, repository, client }: Notice): string {
  return JSON.stringify([type, repository, client])
}

function isOfSame(one: Notice, other: Notice): boolean {
  return one.repository === other.repository && one.client === other.client
}

function isAlike(one: Notice, other: Notice): boolean {
  return one.type === other.type && isOfSame(one, other)
}
