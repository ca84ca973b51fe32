/** Knows how answers go out. A sentence is the reason phrase, which restic prints, and the body, which others do. */
import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

export interface Told {
  readonly status: number
  readonly sentence: string
}

export function tell(reply: FastifyReply, { status, sentence }: Told): void {
  // HTTP/2 has none.
  if (reply.request.raw.httpVersionMajor === 1) reply.raw.statusMessage = sentence
  void reply.code(status).type('text/plain; charset=utf-8').send(`${sentence}\n`)
}

export function answerEmpty(reply: FastifyReply, status: number): void {
  void reply.code(status).send()
}

export function answerStream(reply: FastifyReply, status: number, body: Readable): void {
  void reply.code(status).send(body)
}
