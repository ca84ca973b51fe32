/** Decides when writers end without unlocking: their client has gone, an operator says so, or they were silent too long. */
import { heardEveryMs } from '../evidence/arriving.js'
import { mayHaveLocked } from '../evidence/constants.js'
import type { EndingCause, JournalEvent, WriterId } from '../journal/event.js'
import { possiblePosters, type RepositoryState } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'
import { lockDeletions, type Context } from './context.js'
import { endUnlocked } from './unlocking.js'

/** A process that exited is believed to have, so long after it closed its channel; one that looked may be asked for longer. */
const idleToolGoneMs = 10_000
const readerGoneMs = 10 * 60_000

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

/** Looks for writers that have ended by the passing of time, or by what is known only now; to be called now and then. */
export function endGone(context: Context): JournalEvent[] {
  const unlocked = endUnlocked(context)
  const known = new Set(unlocked.map((event) => event.kind === 'ended' && event.writer))
  const gone = context.state.living().flatMap((writer) => {
    if (known.has(writer.id)) return []
    if (hasLeft(context, writer)) return end(context, writer.id, 'closed')
    return isSilent(context, writer) ? end(context, writer.id, 'silence') : []
  })
  return [...unlocked, ...gone]
}

/**
 * Nothing is known to be its upload, and it holds no lock; its client closed the channel of its opening itself, soon after its last
 * request, and every other that may be its is closed too. Where clients close channels that they go on to use elsewhere,
 * that is proof only of one that never locked.
 */
function hasLeft(context: Context, writer: Writer): boolean {
  const { presence, monotonic, state } = context
  const { exitedAt, mayLive, closesEarly } = presence.of(writer.id)
  if (exitedAt === undefined || mayLive) return false
  const isTool = !writer.hasLooked && !closesEarly
  if (monotonic - exitedAt < (isTool ? idleToolGoneMs : readerGoneMs)) return false
  if (closesEarly && mayHaveLocked(state, writer)) return false
  if (writer.hasPosted || writer.mayHaveWritten || mayHoldLock(state, writer)) return false
  return !presence.hasOpenChannel(writer.id)
}

function mayHoldLock(state: RepositoryState, writer: Writer): boolean {
  if (writer.locks.size > 0) return true
  for (const lock of state.locks.keys()) {
    if (possiblePosters(state, lock).includes(writer.id)) return true
  }
  return false
}

/** By the running time alone: a machine may boot with a wrong date. */
function isSilent({ running, settings }: Context, writer: Writer): boolean {
  return running - writer.lastRecordedRan > settings.writerAgeMaxMs + heardEveryMs
}
