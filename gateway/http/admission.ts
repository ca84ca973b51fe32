/** Knows how a request is let in before any door sees it: who it is, or how it is told that nobody knows it. */
import { randomInt } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Told } from './answer.js'
import type { Authenticator } from './authentication/authenticator.js'
import type { RequestHandler } from './channels.js'
import { exchangeOf } from './exchange.js'
import type { LimitLog } from './limit-log.js'

const challenge = 'Basic realm="Lockkeeper", charset="UTF-8"'
const unknown: Told = { status: 401, sentence: 'Unknown user or wrong password.' }
const busy: Told = {
  status: 503,
  sentence:
    'Too many logins from this address wait to be checked (--max-waiting-logins). Try again.',
}
/** Whoever is told to try again does not do so at once, nor do all of them at the same time. */
const busyMsMin = 1_000
const busyMsMax = 3_000

export interface AdmittingOptions {
  readonly authenticate: Authenticator
  readonly limitLog: LimitLog
  /** How long the body of a request that is turned away is read. */
  readonly bodyTimeoutMs: number
}

/** Hands on to the doors only who may come in. */
export function admitting(options: AdmittingOptions, handle: RequestHandler): RequestHandler {
  return (request, answer) => {
    admit(options, request, answer).then((isAdmitted) => {
      if (isAdmitted) handle(request, answer)
    }, stop)
  }
}

/** 401 stops restic at once (RESTIC.md section 4); 503 is tried again. */
async function admit(
  { authenticate, limitLog, bodyTimeoutMs }: AdmittingOptions,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<boolean> {
  const exchange = exchangeOf(request)
  const { address } = exchange.client
  const identity = await authenticate(request, {
    isFromProxy: exchange.isFromProxy,
    address,
  })
  switch (identity.kind) {
    case 'anybody':
      return true
    case 'user':
      exchange.identify(identity.user)
      return true
    case 'unknown':
      exchange.note.refused = 'unknown-user'
      answer.setHeader('www-authenticate', challenge)
      await turnAway(request, answer, unknown, bodyTimeoutMs)
      return false
    case 'busy':
      limitLog.reached({ limit: '--max-waiting-logins', address }, busy.sentence)
      await delay(randomInt(busyMsMin, busyMsMax), undefined, { ref: false })
      exchange.note.refused = 'busy'
      await turnAway(request, answer, busy, bodyTimeoutMs)
      return false
  }
}

/** The body is read first, so that the client hears the answer; but not for ever. */
async function turnAway(
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

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
