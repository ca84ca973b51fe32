/** Knows the one line that the log has for each request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Clock } from '../../fencing/ports.js'
import { isAnswered, type Exchange } from './exchange.js'

export interface LoggedExchange {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  readonly clock: Clock
  readonly logger: Logger
}

/** Logs the request when it is over, however it ends. No header is logged, so no credentials are. */
export function logExchange(logged: LoggedExchange): void {
  const { exchange, request, answer, clock, logger } = logged
  if (!logger.isLevelEnabled('debug')) return
  const startedAt = clock.monotonic()
  const before = exchange.traffic
  answer.once('close', () => {
    const { repository } = exchange.note
    const { bytesIn, bytesOut } = exchange.traffic
    const line = {
      ...exchange.about,
      method: request.method,
      ...(repository === undefined ? { url: withoutAuthority(request.url ?? '') } : {}),
      ...(isAnswered(answer) ? { status: answer.statusCode } : { isBrokenOff: true }),
      ms: Math.round(clock.monotonic() - startedAt),
      bytesIn: Math.max(0, bytesIn - before.bytesIn),
      bytesOut: Math.max(0, bytesOut - before.bytesOut),
    }
    logger.debug(line, 'request')
  })
}

/** An address in its absolute form may carry a password. */
function withoutAuthority(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?]*/i, '')
}
