/** Decides when writers end without unlocking: their client has gone, an operator says so, or they were silent too long. */
import { heardEveryMs } from '../evidence/arriving.js'
import { Releases } from '../evidence/releasing.js'
import type { EndingCause, JournalEvent, WriterId } from '../journal/event.js'
import { possiblePosters } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'
import { lockDeletions, type Context } from './context.js'
import { endUnlocked } from './unlocking.js'

/** A process that exited is believed to have, so long after it closed its channel; one that looked may be asked for longer. */
const idleToolGoneMs = 10_000
/** Who waits for its lock lists locks every minute at most, and may have lost its connection in between. */
const waiterGoneMs = 2 * 60_000
const readerGoneMs = 10 * 60_000
/** A run lists locks before and after it posts its own. */
const listsToLock = 2

/** `by` names the operator who says so. */
export function end(
  context: Context,
  id: WriterId,
  cause: EndingCause,
  by?: string,
): JournalEvent[] {
  const writer = context.state.writers.get(id)
  if (writer === undefined || writer.ended !== undefined) return []
  const ended = {
    kind: 'ended',
    writer: id,
    cause,
    ...(by === undefined ? {} : { by }),
  } as const
  return [ended, ...lockDeletions(context, id, 'ended')]
}

/** So many records come of one check, or a few more; the rest end with the next. */
const recordsMax = 500

/** Looks for writers that have ended by the passing of time, or by what is known only now; to be called now and then. */
export function endGone(context: Context): JournalEvent[] {
  const events = endUnlocked(context)
  const known = new Set(events.map((event) => event.kind === 'ended' && event.writer))
  const gathered = new Gathered(context)
  const releases = new Releases(context)
  for (const writer of context.state.writers.values()) {
    if (writer.ended !== undefined || known.has(writer.id)) continue
    const cause = causeOf(context, writer, gathered, releases)
    if (cause !== undefined) events.push(...end(context, writer.id, cause))
    if (events.length >= recordsMax) break
  }
  return events
}

function causeOf(
  context: Context,
  writer: Writer,
  gathered: Gathered,
  releases: Releases,
): EndingCause | undefined {
  if (hasUnlocked(context, writer, gathered, releases)) return 'unlocked'
  if (hasLeft(context, writer, gathered)) return 'closed'
  return isSilent(context, writer) ? 'silence' : undefined
}

/**
 * Nobody knows which lock was its, and each that may have been was deleted by whoever posted it. A run that waits for its
 * lock has none for a while either, and a tool never has one: so its client must have exited too.
 */
function hasUnlocked(
  { presence, monotonic }: Context,
  writer: Writer,
  gathered: Gathered,
  releases: Releases,
): boolean {
  if (!releases.haveCleared(presence, writer.id)) return false
  const { exitedAt, mayLive, lockListsMax, mayBeHeardAt } = presence.of(writer.id)
  if (exitedAt === undefined || mayLive || gathered.connected.has(writer.id)) return false
  const mayWait = !writer.hasPosted && lockListsMax > listsToLock
  if (mayWait && monotonic - Math.max(exitedAt, mayBeHeardAt) < waiterGoneMs) return false
  return monotonic - exitedAt >= idleToolGoneMs
}

/**
 * What is asked of writer after writer, gathered once and only where it is asked: what one client made in great numbers, of
 * writers and of locks, must not be multiplied.
 */
class Gathered {
  readonly #context: Context
  #holders: Set<WriterId> | undefined
  #lockers: Set<WriterId> | undefined
  #connected: Set<WriterId> | undefined

  constructor(context: Context) {
    this.#context = context
  }

  /** Who may hold a lock whose owner is not certain. */
  get holders(): ReadonlySet<WriterId> {
    const { state } = this.#context
    return (this.#holders ??= new Set(
      [...state.locks.keys()].flatMap((lock) => possiblePosters(state, lock)),
    ))
  }

  /** Who may have posted a lock without anybody's being certain. */
  get lockers(): ReadonlySet<WriterId> {
    const senders = [...this.#context.state.senders.values()]
    return (this.#lockers ??= new Set(
      senders.filter(({ hasLocked }) => hasLocked).flatMap(({ candidates }) => candidates),
    ))
  }

  /** Whose client may have an open channel. */
  get connected(): ReadonlySet<WriterId> {
    return (this.#connected ??= this.#context.presence.connected())
  }
}

/**
 * Nothing is known to be its upload, and it holds no lock; its client closed the channel of its opening itself, soon after its last
 * request, and every other that may be its is closed too. Where clients close channels that they go on to use elsewhere,
 * that is proof only of one that never locked.
 */
function hasLeft(
  { presence, monotonic }: Context,
  writer: Writer,
  gathered: Gathered,
): boolean {
  const { exitedAt, mayLive, closesEarly, lockListsMax, mayBeHeardAt } = presence.of(writer.id)
  if (exitedAt === undefined || mayLive) return false
  const isTool = !writer.hasLooked && !closesEarly
  const mayWait = isTool && lockListsMax > 1
  if (mayWait && monotonic - Math.max(exitedAt, mayBeHeardAt) < waiterGoneMs) return false
  if (monotonic - exitedAt < (isTool ? idleToolGoneMs : readerGoneMs)) return false
  if (writer.hasPosted || writer.mayHaveWritten || writer.locks.size > 0) return false
  if (closesEarly && (writer.hasLocked || gathered.lockers.has(writer.id))) return false
  return !gathered.holders.has(writer.id) && !gathered.connected.has(writer.id)
}

/** By the running time alone: a machine may boot with a wrong date. */
function isSilent({ running, settings }: Context, writer: Writer): boolean {
  return running - writer.lastRecordedRan > settings.writerAgeMaxMs + heardEveryMs
}
