/** Decides what an opening begins: rule 1, a writer is born at `HEAD config`, with the view of that position. */
import type { JournalEvent, Position, WriterId } from '../journal/event.js'
import { newWriterId, type Caller, type Context } from './context.js'

export interface Opening {
  readonly writer: WriterId
  readonly events: readonly JournalEvent[]
}

export interface View {
  readonly commitView: Position
  readonly packView: Position
}

/** `belated` is the view that it took when it could not be recorded. */
export function open(
  context: Context,
  caller: Pick<Caller, 'client' | 'tag' | 'constants'>,
  belated?: View,
): Opening {
  const { commitView, packView } = belated ?? context.state
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
    ...(belated === undefined ? {} : { isBelated: true }),
  }
  return { writer, events: [event] }
}
