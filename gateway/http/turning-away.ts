/** Answers a request that no door is shown. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Told } from './answer.js'
import { exchangeOf } from './exchange.js'

/** The body is read first, so that the client hears the answer; but not for ever. */
export async function turnAway(
  request: IncomingMessage,
  answer: ServerResponse,
  told: Told,
  bodyTimeoutMs: number,
): Promise<void> {
  const exchange = exchangeOf(request)
  if (!(await exchange.body.drainWithin(bodyTimeoutMs))) {
    if (request.httpVersionMajor === 1) exchange.endChannel()
    // The stream of a body that is not read to its end stays open.
    else answer.once('finish', () => request.destroy())
  }
  answer.statusCode = told.status
  // HTTP/2 has no reason phrase.
  if (request.httpVersionMajor === 1) answer.statusMessage = told.sentence
  answer.setHeader('content-type', 'text/plain; charset=utf-8')
  answer.end(`${told.sentence}\n`)
}
