/** Knows what each method does to an object of a repository and to the folders that hold objects. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Outcome } from '../gate/outcome.js'
import { answerEmpty, tell } from '../http/answer.js'
import type { Call, PlaceOf } from './call.js'
import { check, preconditionFailed } from './preconditions.js'
import { forbidden, refusals } from './refusals.js'
import { objectResource } from './repository-resources.js'
import { sendFile } from './file-answer.js'

/**
 * rclone tries a deletion again at once, and on a new line while the one that says whose it is has another request
 * under way. A moment later that one is free. (It has many lines by then: it lists the 256 folders of packs on several.)
 */
const beforeRetryMs = 1_000

type ObjectCall = Call<PlaceOf<'object'>>

export async function answerObject(call: ObjectCall): Promise<void> {
  const { gate, openings, visitor, place, exchange, request, answer } = call
  const { repository, object } = place
  await exchange.body.drain()
  if (object === config && request.method === 'HEAD') {
    await openings.lookAtConfig(gate, visitor, repository)
  }
  const isHead = request.method === 'HEAD'
  const opened = isHead
    ? await gate.examine(visitor, repository, object)
    : await gate.open(visitor, repository, object)
  if (opened === undefined) tell(answer, { status: 404, sentence: 'Not Found' })
  else await sendFile(call, objectResource(repository, object, opened), opened)
}

/** A whole object, staged as it comes and committed once it is complete. */
export async function answerUpload(call: ObjectCall): Promise<void> {
  const { gate, openings, visitor, place, exchange, answer, request } = call
  const { repository, object } = place
  if (visitor.isReader === true) return refuse(call, forbidden.mounted)
  if (request.headers['content-range'] !== undefined) {
    return refuse(call, { status: 400, sentence: 'Objects are uploaded whole.' })
  }
  if (!(await holds(call, repository, object))) return refuse(call, preconditionFailed)
  const { body, signal } = exchange
  const outcome = await gate.upload(visitor, repository, object, body, signal)
  if (outcome.kind === 'done') {
    if (object === config) openings.noteBegun(visitor, repository)
    const digest = object.split('/')[1]
    const etag = digest === undefined ? {} : { etag: `"${digest}"` }
    exchange.whenDelivered(outcome.delivered)
    exchange.note.objectBytes = outcome.bytes ?? 0
    await exchange.body.drain()
    answerEmpty(answer, 201, etag)
  } else await answerRefusal(call, outcome)
}

export async function answerDeletion(call: ObjectCall): Promise<void> {
  const { gate, visitor, place, exchange, answer } = call
  const { repository, object } = place
  if (visitor.isReader === true) return refuse(call, forbidden.mounted)
  await exchange.body.drain()
  if (!(await holds(call, repository, object))) return refuse(call, preconditionFailed)
  const outcome = await gate.delete(visitor, repository, object, exchange.signal)
  if (outcome.kind === 'done') {
    exchange.whenDelivered(outcome.delivered)
    exchange.note.objectBytes = outcome.bytes ?? 0
    answerEmpty(answer, 204)
  } else await answerRefusal(call, outcome)
}

/** Reads what is left of the body first: a client that is still sending would see a reset, not the sentence. */
export async function refuse(
  { exchange, answer }: Call,
  told: { readonly status: number; readonly sentence: string },
): Promise<void> {
  await exchange.body.drain()
  tell(answer, told)
}

async function answerRefusal(
  call: Call,
  outcome: Extract<Outcome, { kind: 'refused' }>,
): Promise<void> {
  const { gate, exchange, logger, answer } = call
  await exchange.body.drain()
  const { status, level } = refusals[outcome.reason]
  exchange.note.refused = outcome.reason
  logger[level]({ ...exchange.about, sentence: outcome.sentence }, 'refused')
  // The next try comes on another connection, which may be one that says whose it is.
  if (outcome.reason === 'knocked' && !exchange.signal.aborted) {
    exchange.endUnknownNeighbours((channelId) => gate.knows(channelId))
    await delay(beforeRetryMs, undefined, { signal: exchange.signal }).catch(() => undefined)
    exchange.endChannel()
  }
  tell(answer, { status, sentence: outcome.sentence })
}

/** Whether the conditions of the request hold for the object as it stands. */
async function holds(
  { gate, visitor, request }: Call,
  repository: RepositoryId,
  object: ObjectName,
): Promise<boolean> {
  const { headers, method } = request
  const isConditional = headers['if-match'] ?? headers['if-none-match']
  if (isConditional === undefined && headers['if-unmodified-since'] === undefined) return true
  const opened = await gate.examine(visitor, repository, object)
  await opened?.close()
  const resource = opened && objectResource(repository, object, opened)
  return check(method ?? '', headers, resource) === 'go'
}

const config = 'config' as ObjectName
