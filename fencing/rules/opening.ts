/** Knows how a writer is born, and what any request on a channel proves by arriving at all. */
import type { JournalEvent, WriterId } from '../journal/event.js'
import { boundWriter, candidatesOf } from '../evidence/attribution.js'
import { newWriterId, type Caller, type Scene } from './scene.js'

export interface Opening {
  readonly writer: WriterId
  readonly events: readonly JournalEvent[]
}

/** Rule 1: a writer is born at `HEAD config`, with the view of that position. */
export function open(scene: Scene, caller: Caller): Opening {
  const { state, presence, monotonic } = scene
  const writer = newWriterId(scene)
  const event: JournalEvent = {
    kind: 'opened',
    writer,
    client: caller.client,
    ...(caller.tag === undefined ? {} : { tag: caller.tag }),
    view: state.commitView,
  }
  presence.born(writer, monotonic)
  const { channel } = caller
  // No client opens twice on one connection (RESTIC.md section 0): a proxy that nobody declared mixes processes here.
  if (channel.binding !== undefined) presence.share(channel)
  else if (!channel.channel.isHidden && !channel.isShared) {
    presence.bind(channel, { writer, by: 'opening' })
  }
  if (channel.binding?.writer !== writer) presence.of(writer).closedItself = false
  return { writer, events: [event] }
}

/**
 * What the arrival of a request proves: its writer lives, and the answers that went out before on this channel have
 * reached it.
 */
export function arrive(scene: Scene, caller: Caller): JournalEvent[] {
  const { state, presence, monotonic } = scene
  const { channel } = caller
  const events: JournalEvent[] = []
  channel.lastRequestAt = monotonic
  channel.lastRequestPosition = state.position
  const objects = channel.unconfirmed.filter((object) => {
    // Each failed try is followed by a DELETE, which may arrive when a later try has long been answered (rule 8).
    if (presence.repeated.get(object) === true) return false
    return state.unanswered.has(object) || state.locks.get(object)?.isAnswered === false
  })
  channel.unconfirmed = []
  if (objects.length > 0) events.push({ kind: 'answered', objects })
  for (const writer of ownersOf(scene, caller)) {
    presence.heard(writer, monotonic)
    if (state.writers.get(writer)?.ended !== undefined) events.push({ kind: 'revived', writer })
  }
  return events
}

/** The writer of the channel; under a tag without living writers, all that had it and are remembered. */
function ownersOf(scene: Scene, caller: Caller): WriterId[] {
  const bound = boundWriter(scene, caller)
  if (bound !== undefined) return [bound.id]
  if (caller.tag === undefined) return []
  const living = candidatesOf(scene, caller)
  if (living.length > 1) return []
  if (living[0] !== undefined) return [living[0].id]
  const ended = [...scene.state.writers.values()].filter((writer) => writer.tag === caller.tag)
  return ended.map((writer) => writer.id)
}
