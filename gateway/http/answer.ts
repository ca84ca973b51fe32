/** Knows how answers go out. A sentence is the reason phrase, which restic prints, and the body, which others do. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

export interface Told {
  readonly status: number
  readonly sentence: string
}

export function tell(
  answer: ServerResponse,
  told: Told,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = `${told.sentence}\n`
  say(answer, told)
  beginAnswer(answer, told.status, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  answer.end(body)
}

/** The sentence stands in the reason phrase alone. */
export function tellBare(
  answer: ServerResponse,
  told: Told,
  headers: OutgoingHttpHeaders = {},
): void {
  say(answer, told)
  answerEmpty(answer, told.status, headers)
}

/** Sends the head. Its length is also there for those who watch: Node forgets what it was only told with the head. */
export function beginAnswer(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
): void {
  const length = headers['content-length']
  if (length !== undefined) answer.setHeader('content-length', length)
  answer.writeHead(status, headers)
}

function say(answer: ServerResponse, { sentence }: Told): void {
  // HTTP/2 has no reason phrase.
  if (answer.req.httpVersionMajor === 1) answer.statusMessage = sentence
}

/** rclone 1.60 does not read what it does not want, and loses its connection over it: so there is no body at all. */
export function answerEmpty(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders = {},
): void {
  const length = status === 204 ? {} : { 'content-length': 0 }
  beginAnswer(answer, status, { ...headers, ...length })
  answer.end()
}

/** Only for an answer to HEAD: the headers of an answer whose body is not sent. */
export function answerHead(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
): void {
  beginAnswer(answer, status, headers)
  answer.end()
}

/** Resolves when the answer is out, or the client has gone; rejects where the bytes fail on the way. */
export async function answerStream(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  bytes: Readable,
): Promise<void> {
  beginAnswer(answer, status, headers)
  await new Promise<void>((resolve, reject) => {
    bytes.once('error', reject)
    answer.once('close', () => {
      bytes.destroy()
      resolve()
    })
    bytes.pipe(answer)
  })
}
