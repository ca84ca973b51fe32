/** Knows Apache's combined log format, one line a request, for the programs that read it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAnswered, type Exchange } from './exchange.js'

export interface AccessLog {
  readonly write: (line: string) => void
}

/** The time, as Apache writes it: `10/Oct/2026:13:55:36 +0000`. */
export function accessTime(now: Date): string {
  const [, day = '', month = '', year = '', time = ''] =
    /^\w+, (\d\d) (\w+) (\d+) ([\d:]+) GMT$/.exec(now.toUTCString()) ?? []
  return `${day}/${month}/${year}:${time} +0000`
}

export interface AccessLine {
  readonly exchange: Pick<Exchange, 'client'>
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'headers'>
  readonly answer: Pick<
    ServerResponse,
    'statusCode' | 'writableEnded' | 'writableFinished' | 'getHeader'
  >
  readonly now: Date
}

/** A request that was broken off has 499, as other servers of logs have it. */
export function accessLine({ exchange, request, answer, now }: AccessLine): string {
  const { user = '-', address } = exchange.client
  const { method = '', url = '', httpVersion, headers } = request
  // An address in its absolute form may carry a password.
  const asked = `${method} ${url.replace(/^[a-z]+:\/\/[^/?]*/i, '')} HTTP/${httpVersion}`
  const length = answer.getHeader('content-length')
  const hasBody = method !== 'HEAD' && length !== undefined && String(length) !== '0'
  return [
    quotable(address).replaceAll(' ', '_'),
    '-',
    quotable(user).replaceAll(' ', '_'),
    `[${accessTime(now)}]`,
    `"${quotable(asked)}"`,
    String(isAnswered(answer) ? answer.statusCode : 499),
    hasBody ? String(length) : '-',
    `"${quotable(withoutUser(headers.referer ?? '-'))}"`,
    `"${quotable(headers['user-agent'] ?? '-')}"\n`,
  ].join(' ')
}

/** rclone sends the address that it was given as the referer of each request, with the password that is in it. */
function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//')
}

/** What could end a line or a quotation early is written as Apache does. */
function quotable(text: string): string {
  return text
    .replace(/["\\]/g, '\\$&')
    .replace(/[\u0000-\u001f\u007f-\uffff]/g, (character) => {
      const [byte, ...more] = Buffer.from(character)
      return [byte ?? 0, ...more]
        .map((each) => `\\x${each.toString(16).padStart(2, '0')}`)
        .join('')
    })
}
