/**
 * Keeps when each writer was last heard, and on what: for people. An operator may be told that a writer sleeps only where
 * the gateway has itself run for a while without a request that may be its (docs/DESIGN.md).
 */
import type { WriterId } from '../journal/event.js'
import type { HeardNote } from '../ports.js'
import type { Caller, Context } from '../rules/context.js'
import type { WriterPresence } from './presence.js'

/** Who is not known is noted for all of its candidates, and not with each request. */
const notedEveryMs = 30_000
/** A writer that was not heard for so long may be asleep, or dead. */
const silenceMs = 10 * 60_000

/** To be called for every request, once it is noted whose it is. */
export function hear({ presence, monotonic }: Context, { sender, channel }: Caller): void {
  const { current } = sender
  if (current.only !== undefined) {
    presence.of(current.only).lastHeardFrom = channel.channel.from
    return
  }
  if (monotonic - current.notedAt < notedEveryMs) return
  current.notedAt = monotonic
  for (const id of current.candidates) presence.of(id).mayBeHeardAt = monotonic
}

export interface Hearing {
  /** Milliseconds since the epoch; undefined where no gateway has noted it. */
  readonly time: number | undefined
  readonly from: string | undefined
  /** For how long gateways have run without a request that may be its. */
  readonly silentMs: number
  /** Its client has closed everything, as one that exits does. */
  readonly isGone: boolean
}

/** `connected`: the writers whose client may have an open channel. */
export function hearingOf(
  { presence, monotonic, now }: Context,
  id: WriterId,
  connected: ReadonlySet<WriterId> = presence.connected(),
): Hearing {
  const own = presence.of(id)
  const { lastHeardAt, lastHeardFrom, earlier } = own
  if (lastHeardAt === Number.NEGATIVE_INFINITY) {
    const silentMs = silenceOf(own, presence.startedAt, monotonic)
    const isGone = earlier?.isGone === true
    return { time: earlier?.time, from: earlier?.from, silentMs, isGone }
  }
  const time = Math.round(now - (monotonic - lastHeardAt))
  const isGone = presence.hasExited(id) && !connected.has(id)
  return {
    time,
    from: lastHeardFrom,
    silentMs: silenceOf(own, presence.startedAt, monotonic),
    isGone,
  }
}

function silenceOf(own: WriterPresence, startedAt: number, monotonic: number): number {
  const since = Math.max(own.lastHeardAt, own.mayBeHeardAt)
  if (since !== Number.NEGATIVE_INFINITY) return Math.round(monotonic - since)
  return Math.round((own.earlier?.silentMs ?? 0) + monotonic - startedAt)
}

export function isSilent({ silentMs }: Hearing): boolean {
  return silentMs > silenceMs
}

/** What is to be known again after a restart. */
export function notesOf(context: Context): HeardNote[] {
  const notes: HeardNote[] = []
  const connected = context.presence.connected()
  for (const { id, lastRecorded } of context.state.living()) {
    const { time = lastRecorded, from, silentMs, isGone } = hearingOf(context, id, connected)
    notes.push({
      writer: id,
      time,
      ...(from === undefined ? {} : { from }),
      silentMs,
      ...(isGone ? { isGone } : {}),
    })
  }
  return notes
}

/** Changes with whatever is worth noting anew. */
export function digestOfHearings(context: Context): string {
  const { state, presence } = context
  const known = state.living().map(({ id }) => {
    return [id, presence.of(id).lastHeardAt, isSilent(hearingOf(context, id))]
  })
  return JSON.stringify(known)
}

export function recall({ presence, state }: Context, notes: readonly HeardNote[]): void {
  for (const note of notes) {
    const id = note.writer as WriterId
    if (state.writers.has(id)) presence.of(id).earlier = note
  }
}
