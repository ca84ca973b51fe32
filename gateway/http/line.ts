/** Knows what every HTTP connection offers to a request on it, whichever version of HTTP it speaks. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Channel } from '../../fencing/evidence/presence.js'

export interface Line {
  readonly channel: Channel
  /** Whom the connection itself comes from; undefined on a Unix socket. */
  readonly peer: string | undefined
  /** Bytes so far, in both directions. */
  readonly traffic: { readonly bytesIn: number; readonly bytesOut: number }
  /** No answer can go out any more. */
  readonly isOver: boolean
  /** A proxy that nobody declared shows itself: from here on the line is a channel that says nothing. */
  readonly hide: () => void
  /** Who sends on it may come in. */
  readonly admit: () => void
  /** Resolves when this answer's turn has come; undefined where too many wait. */
  readonly takeTurn: (answer: ServerResponse) => Promise<void> | undefined
  /**
   * Calls back once the answer has gone out whole, and only where the next request on the channel will prove that it
   * arrived (rule 8). To be called before answering.
   */
  readonly whenDelivered: (
    request: IncomingMessage,
    answer: ServerResponse,
    callback: () => void,
  ) => void
  /** Closes the line after this answer. To be called before answering. */
  readonly endAfter: (answer: ServerResponse) => void
  /** Ends an idle line; another after the answers that are due. */
  readonly endWhenAnswered: () => void
  readonly end: () => void
  readonly destroy: () => void
  /** To be called when nothing more will be asked of the gate for a request: its channel may be closed already. */
  readonly settle: () => void
}
