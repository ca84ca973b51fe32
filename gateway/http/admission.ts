/** Knows how a request is let in before any door sees it: who it is, or how it is told that nobody knows it. */
import { randomInt } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Told } from './answer.js'
import type { Authenticator } from './authentication/authenticator.js'
import type { RequestHandler } from './channels.js'
import { exchangeOf } from './exchange.js'
import { turnAway } from './turning-away.js'
import { refusalOfPage } from './pages.js'
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

export interface PagesOptions {
  /** Names that lead here; undefined where any may. */
  readonly names: readonly string[] | undefined
  readonly bodyTimeoutMs: number
}

/** Hands on only what no page of another site sends. */
export function withoutPages(
  { names, bodyTimeoutMs }: PagesOptions,
  handle: RequestHandler,
): RequestHandler {
  return (request, answer) => {
    const exchange = exchangeOf(request)
    const refusal = refusalOfPage(request, exchange.isFromProxy, names)
    if (refusal === undefined) {
      handle(request, answer)
      return
    }
    exchange.note.refused = 'not-allowed'
    turnAway(request, answer, refusal, bodyTimeoutMs).catch(stop)
  }
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
      exchange.admit()
      return true
    case 'user':
      exchange.identify(identity.user)
      exchange.admit()
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

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
