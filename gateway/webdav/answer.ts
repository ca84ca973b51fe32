/** Knows how answers go out. A sentence is the reason phrase and the body: rclone shows both. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Told } from '../http/answer.js'

export type { Told }

const shortCharactersMax = 256 * 1024

export function tell(
  answer: ServerResponse,
  { status, sentence }: Told,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = `${sentence}\n`
  // HTTP/2 has none.
  if (answer.req.httpVersionMajor === 1) answer.statusMessage = sentence
  answer.writeHead(status, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  answer.end(body)
}

/** What a method came to, where that is not a stream. */
export interface Reply {
  readonly status: number
  readonly sentence?: string
  /** Instead of a sentence. Without either the answer has no body. */
  readonly xml?: string
  readonly headers?: OutgoingHttpHeaders
}

export async function send(answer: ServerResponse, reply: Reply): Promise<void> {
  const { status, sentence, xml, headers } = reply
  if (xml !== undefined) await answerXml(answer, status, [xml], headers)
  else if (sentence !== undefined) tell(answer, { status, sentence }, headers)
  else answerEmpty(answer, status, headers)
}

/** rclone 1.60 does not read what it does not want, and loses its connection over it: so there is no body at all. */
export function answerEmpty(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders = {},
): void {
  const length = status === 204 ? {} : { 'content-length': 0 }
  answer.writeHead(status, { ...headers, ...length })
  answer.end()
}

/** Only for an answer to HEAD: the headers of an answer whose body is not sent. */
export function answerHead(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
): void {
  answer.writeHead(status, headers)
  answer.end()
}

/** Resolves when the answer is out, or the client has gone; rejects where the bytes fail on the way. */
export async function answerStream(
  answer: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  bytes: Readable,
): Promise<void> {
  answer.writeHead(status, headers)
  await new Promise<void>((resolve, reject) => {
    bytes.once('error', reject)
    answer.once('close', () => {
      bytes.destroy()
      resolve()
    })
    bytes.pipe(answer)
  })
}

/**
 * What is short goes out with its length: rclone reads to the end of the XML only, and loses a connection whose body it
 * cannot see the end of. What is long is taken piece by piece, as fast as the client reads it.
 */
export async function answerXml(
  answer: ServerResponse,
  status: number,
  pieces: Iterable<string> | AsyncIterable<string>,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  const typed = { 'content-type': 'application/xml; charset=utf-8', ...headers }
  const rest = piecesOf(pieces)
  const first: string[] = []
  for (let characters = 0; characters <= shortCharactersMax;) {
    const next = await rest.next()
    if (next.done === true) {
      const body = Buffer.from(first.join(''))
      answer.writeHead(status, { ...typed, 'content-length': body.length })
      answer.end(body)
      return
    }
    first.push(next.value)
    characters += next.value.length
  }
  await answerStream(answer, status, typed, Readable.from(continued(first, rest)))
}

async function* piecesOf(
  pieces: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string, undefined> {
  yield* pieces
}

async function* continued(
  first: string[],
  rest: AsyncGenerator<string, undefined>,
): AsyncGenerator<string> {
  for (let piece = first.shift(); piece !== undefined; piece = first.shift()) yield piece
  yield* rest
}
