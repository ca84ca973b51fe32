/** Knows how answers go out. A sentence is the reason phrase, which restic prints, and the body, which others do. */
import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

export interface Told {
  readonly status: number
  readonly sentence: string
}

/**
 * The answer to a deletion has no body: restic before 0.17 does not read it and gives up its connection for it, so that each
 * further try would come on a channel that says nothing of whose it is (RESTIC.md, section 3).
 */
export function tell(reply: FastifyReply, { status, sentence }: Told): void {
  // HTTP/2 has no reason phrase.
  if (reply.request.raw.httpVersionMajor === 1) reply.raw.statusMessage = sentence
  reply.code(status)
  if (reply.request.method === 'DELETE') void reply.send()
  else void reply.type('text/plain; charset=utf-8').send(`${sentence}\n`)
}

export function answerEmpty(reply: FastifyReply, status: number): void {
  void reply.code(status).send()
}

export function answerStream(reply: FastifyReply, status: number, body: Readable): void {
  void reply.code(status).send(body)
}
