/** Knows how the answers of WebDAV methods go out: a sentence, which rclone shows, or XML. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { answerEmpty, answerStream, beginAnswer, tell } from '../http/answer.js'

const shortCharactersMax = 256 * 1024

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
      beginAnswer(answer, status, { ...typed, 'content-length': body.length })
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
