/** Decides what an opening begins: rule 1, a writer is born at `HEAD config`, with the view of that position. */
import type { JournalEvent, WriterId } from '../journal/event.js'
import { newWriterId, type Caller, type Context } from './context.js'

export interface Opening {
  readonly writer: WriterId
  readonly events: readonly JournalEvent[]
}

export function open(context: Context, caller: Caller): Opening {
  const { commitView, packView } = context.state
  const { client, tag, constants } = caller
  const writer = newWriterId(context)
  const event: JournalEvent = {
    kind: 'opened',
    writer,
    client,
    ...(tag === undefined ? {} : { tag }),
    view: commitView,
    ...(packView === commitView ? {} : { packView }),
    ...(constants === undefined ? {} : { constants }),
  }
  return { writer, events: [event] }
}
