/** Answers what restic's REST protocol writes: creating, uploading and deleting, and how it is told what came of it. */
import type { Outcome } from '../gate/outcome.js'
import { answerEmpty } from '../http/answer.js'
import { tell } from './answer.js'
import type { Call, ObjectCall, RootCall } from './call.js'
import { OutsideBody } from './outside.js'
import { refusals } from './refusals.js'

export async function answerCreation(call: RootCall): Promise<void> {
  const { gate, visitor, repository, query, exchange, answer } = call
  await exchange.body.drain()
  if (new URLSearchParams(query).get('create') !== 'true') {
    const sentence = 'Only "?create=true" can be posted to a repository.'
    tell(answer, { status: 400, sentence })
    return
  }
  await gate.create(visitor, repository)
  answerEmpty(answer, 200)
}

export async function answerUpload(call: ObjectCall): Promise<void> {
  const { gate, visitor, repository, object, exchange } = call
  const { signal } = exchange
  const outside = OutsideBody.of(call)
  const body = outside ?? exchange.body
  const deciding = gate.upload(visitor, repository, object, body, signal)
  const outcome = await deciding.finally(() => outside?.release())
  await answerOutcome(call, outcome)
}

export async function answerDeletion(call: ObjectCall): Promise<void> {
  const { gate, visitor, repository, object, exchange } = call
  // The end of the stream is heard behind it only.
  await exchange.body.drain()
  const outcome = await gate.delete(visitor, repository, object, exchange.signal)
  await answerOutcome(call, outcome)
}

/** What is refused is read to its end first: a client that is still sending would see a reset, not the sentence. */
async function answerOutcome(call: Call, outcome: Outcome): Promise<void> {
  const { exchange, gate, logger, answer } = call
  await exchange.body.drain()
  switch (outcome.kind) {
    case 'done':
      exchange.whenDelivered(outcome.delivered)
      exchange.note.objectBytes = outcome.bytes ?? 0
      answerEmpty(answer, 200)
      return
    case 'refused': {
      const { status, level } = refusals[outcome.reason]
      exchange.note.refused = outcome.reason
      logger[level]({ ...exchange.about, sentence: outcome.sentence }, 'refused')
      // The next try comes on another connection, which may be one that says whose it is.
      if (outcome.reason === 'knocked') {
        exchange.endChannel()
        exchange.endUnknownNeighbours((channelId) => gate.knows(channelId))
      }
      // For clients that can read more than a status; the reasons are those of the log.
      const headers = { 'lockkeeper-reason': outcome.reason }
      tell(answer, { status, sentence: outcome.sentence }, headers)
      return
    }
  }
}
