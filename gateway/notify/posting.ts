/** Posts something to somebody else's server, which may be slow, wrong or hostile: nothing is followed, nothing waited for. */
import { request } from 'undici'
import { eitherSignal } from '../program/either-signal.js'
import { codeOf, messageOf } from '../program/fault.js'
import type { Outcome } from './message.js'
import { parseRetryAfter } from './retrying.js'

export interface Posting {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const answerBytesMax = 16_384
const slowDown: readonly number[] = [429, 502, 503, 504]
const slowDownMs = 60_000

/** Never rejects. */
export async function post(posting: Posting): Promise<Outcome> {
  const { url, headers, body, timeoutMs } = posting
  const late = new AbortController()
  const timeout = setTimeout(() => late.abort(), timeoutMs)
  const { signal, release } = eitherSignal(posting.signal, late.signal)
  const done = (): void => {
    clearTimeout(timeout)
    release()
  }
  try {
    const answer = await request(url, { method: 'POST', headers, body, signal })
    // What it says is read to its end where that comes soon, so that the connection can be used again.
    void answer.body
      .dump({ limit: answerBytesMax, signal })
      .catch(() => undefined)
      .finally(done)
    return outcomeOf(answer.statusCode, answer.headers['retry-after'])
  } catch (error) {
    done()
    if (late.signal.aborted) {
      return { kind: 'failed', why: `it did not answer within ${timeoutMs / 1000} s` }
    }
    return { kind: 'failed', why: `it cannot be reached: ${codeOf(error) ?? messageOf(error)}` }
  }
}

function outcomeOf(status: number, retryAfter: string | string[] | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'arrived' }
  if (status === 410) return { kind: 'gone', why: 'it answers 410: it wants nothing any more' }
  if (status >= 300 && status < 400) {
    return { kind: 'failed', why: `it answers ${status}: redirects are not followed` }
  }
  const asked =
    typeof retryAfter === 'string' ? parseRetryAfter(retryAfter, Date.now()) : undefined
  const retryAfterMs = asked ?? (slowDown.includes(status) ? slowDownMs : undefined)
  const why = `it answers ${status}`
  return { kind: 'failed', why, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}
