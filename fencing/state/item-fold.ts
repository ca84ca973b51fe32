/** Makes and changes the items of the quarantine as the journal's events say. */
import type { Author, JournalEvent } from '../journal/event.js'
import { isOpen, type Item, type ItemState } from './item.js'
import type { EventStamp, RepositoryState } from './repository-state.js'
import { recordOf } from './sender-record.js'

type KeepingEvent = Extract<JournalEvent, { kind: 'refused' | 'knocked' }>

export function applyItemEvent(
  state: RepositoryState,
  event: JournalEvent,
  stamp: EventStamp,
): void {
  switch (event.kind) {
    case 'refused':
    case 'knocked':
      if (event.kept !== undefined) keep(state, event, stamp)
      return
    case 'committed':
      if (event.resolves !== undefined)
        close(state, state.items.get(event.resolves), 'resolved')
      return
    case 'released':
      close(state, state.items.get(event.item), 'released')
      return
    case 'discarded':
      close(state, state.items.get(event.item), 'discarded')
      return
    case 'evicted':
      close(state, state.items.get(event.item), 'evicted')
      return
    case 'adopted':
    case 'opened':
    case 'looked':
    case 'narrowed':
    case 'owned':
    case 'answered':
    case 'deleted':
    case 'retracted':
    case 'passed':
    case 'ended':
    case 'revived':
    case 'heard':
    case 'outside':
    case 'fenced':
    case 'sealed':
      return
  }
}

function keep(state: RepositoryState, event: KeepingEvent, stamp: EventStamp): void {
  const id = event.kept?.item
  if (id === undefined) return
  const known = state.items.get(id)
  const item = known ?? newItem(state, event, stamp)
  if (known === undefined && item.isKept) state.allowance.take(item.client, item.size)
  if (event.kind === 'refused') {
    item.state = 'quarantined'
    item.reason = event.reason
    item.author = event.author
    item.generation = event.generation
    item.currentGeneration = state.generation
    if (event.run !== undefined) item.run = event.run
  }
  state.items.set(id, item)
  state.openItems.set(item.object, id)
  recordOf(state, item.author)?.items.add(id)
}

function newItem(state: RepositoryState, event: KeepingEvent, stamp: EventStamp): Item {
  const kept = event.kept
  if (kept === undefined) throw new Error('an item needs a kept part')
  return {
    id: kept.item,
    object: event.object,
    position: stamp.position,
    time: stamp.time,
    ran: stamp.ran,
    client: event.client,
    size: event.size ?? 0,
    author: event.kind === 'refused' ? event.author : unknownAuthor(event),
    reason: event.kind === 'refused' ? event.reason : 'ambiguous',
    generation: event.generation,
    currentGeneration: state.generation,
    state: 'waiting',
    isKept: kept.staged !== undefined,
    tries: 1,
    lastTry: stamp.time,
    lastTryRan: stamp.ran,
  }
}

function unknownAuthor({
  candidates,
  sender,
}: Extract<JournalEvent, { kind: 'knocked' }>): Author {
  return { kind: 'unknown', candidates, ...(sender === undefined ? {} : { sender }) }
}

/** Its bytes leave the quarantine with it. */
function close(state: RepositoryState, item: Item | undefined, into: ItemState): void {
  if (item === undefined || !isOpen(item)) return
  if (item.isKept) state.allowance.give(item.client, item.size)
  item.isKept = false
  item.state = into
  if (state.openItems.get(item.object) === item.id) state.openItems.delete(item.object)
}
