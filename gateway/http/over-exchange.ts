/** Knows what those hear who watch requests: one that is over, however it ended. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.js'

export interface OverExchange {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  /** The answer went out whole. */
  readonly isAnswered: boolean
}

/** Must not throw, and must not wait. */
export type ExchangeWatcher = (over: OverExchange) => void
