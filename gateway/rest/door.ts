/** Knows restic's REST protocol as a door: which address and which method ask what of the gate. */
import { AssertionError } from 'node:assert'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { typeOf } from '../../fencing/object.js'
import type { FilePlace } from '../../fencing/ports.js'
import { formatPlace, placeHeader } from '../program/file-place.js'
import { mayEnter, type Gate } from '../gate/gate.js'
import { constantsOf } from '../http/constants.js'
import { exchangeOf } from '../http/exchange.js'
import { tell, type Told } from '../http/answer.js'
import { isBrowser, welcome } from '../http/welcome.js'
import type { Call, ListCall, ObjectCall, RootCall } from './call.js'
import { answerBytes, answerList, answerPresence } from './reading.js'
import {
  refusals,
  toldOfListing,
  toldOfReading,
  toldOfRefusal,
  toldOfWriting,
} from './refusals.js'
import { parseTarget, type Place, type Target } from './target.js'
import { answerCreation, answerDeletion, answerUpload } from './writing.js'

export interface RestDoorOptions {
  readonly gate: Gate
  readonly logger: Logger
  readonly isAppendOnly: boolean
  /** A user may enter only the repositories below the folder of its own name. */
  readonly isPrivate: boolean
  /** The folder of the repositories, where all clients are of this user and machine and may be told where bytes lie. */
  readonly ownDisk?: FilePlace
}

interface Method<C extends Call> {
  readonly answer: (call: C) => Promise<void>
  readonly toldOf: (error: unknown) => Told
}

type Methods<C extends Call> = Readonly<Record<string, Method<C>>>

const notFound: Told = { status: 404, sentence: 'Not Found' }

const rootMethods: Methods<RootCall> = {
  POST: { answer: answerCreation, toldOf: toldOfWriting },
}
const listMethods: Methods<ListCall> = {
  GET: { answer: answerList, toldOf: toldOfListing },
}
const objectMethods: Methods<ObjectCall> = {
  HEAD: { answer: answerPresence, toldOf: toldOfReading },
  GET: { answer: answerBytes, toldOf: toldOfReading },
  POST: { answer: answerUpload, toldOf: toldOfWriting },
  DELETE: { answer: answerDeletion, toldOf: toldOfWriting },
}
const lockMethods: Methods<ObjectCall> = {
  ...objectMethods,
  // A 5xx would keep restic from noticing that it lost its lock (RESTIC.md section 2).
  DELETE: {
    answer: answerDeletion,
    toldOf: (error) => ({ ...toldOfWriting(error), status: refusals['not-allowed'].status }),
  },
}

/** Routes every address that no other door has taken. */
export const restDoor: FastifyPluginCallback<RestDoorOptions> = (app, options, done) => {
  // The body is read from the request itself, as it comes, whatever type it says it has.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, parsed) => parsed(null))
  app.addHook('onRequest', (request, _reply, next) => {
    // The protocol gives it no meaning, and Fastify refuses what it cannot parse.
    delete request.raw.headers['content-type']
    next()
  })
  // Only a stream that fails before its first byte comes here, and its failure is in the log.
  app.setErrorHandler((error, _request, reply) => {
    void reply.removeHeader('content-range').removeHeader('accept-ranges')
    tell(reply, toldOfReading(error))
  })
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    answerRequest(options, request, reply).catch(stop)
  }
  app.all('/*', answer)
  app.setNotFoundHandler(answer)
  done()
}

async function answerRequest(
  options: RestDoorOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const exchange = exchangeOf(request.raw)
  const target = parseTarget(request.raw.url ?? '')
  switch (target.kind) {
    case 'nowhere':
      await exchange.body.drain()
      tell(reply, target.isList ? toldOfRefusal('no-repository') : notFound)
      return
    case 'malformed':
      await exchange.body.drain()
      tell(reply, { status: target.status, sentence: target.sentence })
      return
    case 'repositories':
      await answerRepositories(options, { exchange, request, reply })
      return
    case 'place':
      await answerAt(options, target, { exchange, request, reply })
      exchange.settle()
      return
  }
}

async function answerRepositories(
  { gate, logger, isPrivate, ownDisk }: RestDoorOptions,
  { exchange, request, reply }: Pick<Call, 'exchange' | 'request' | 'reply'>,
): Promise<void> {
  await exchange.body.drain()
  if (request.method !== 'GET') {
    reply.header('allow', 'GET')
    tell(reply, { status: 405, sentence: 'Method Not Allowed' })
    return
  }
  try {
    const { channel, client } = exchange
    const realm = isPrivate ? { realm: client.user ?? '' } : {}
    const visitor = { channel, client, isAppendOnly: true, ...realm }
    const all = await gate.repositories()
    const open = all.filter((repository) => mayEnter(visitor, repository))
    if (ownDisk !== undefined) void reply.header(placeHeader, formatPlace(ownDisk))
    void reply.code(200).type('application/json').send(JSON.stringify(open))
  } catch (error) {
    logger.error({ ...exchange.about, err: error }, 'a request failed')
    tell(reply, toldOfReading(error))
  }
}

async function answerAt(
  { gate, logger, isAppendOnly, isPrivate, ownDisk }: RestDoorOptions,
  { place, tag, query }: Extract<Target, { kind: 'place' }>,
  http: Pick<Call, 'exchange' | 'request' | 'reply'>,
): Promise<void> {
  const { channel, client, id: request, note } = http.exchange
  const tagged = tag === undefined ? {} : { tag }
  Object.assign(note, { repository: place.repository, ...objectOf(place), ...tagged })
  const realm = isPrivate ? { realm: client.user ?? '' } : {}
  const constants = constantsOf('rest', http.request.raw)
  const visitor = { channel, client, request, constants, isAppendOnly, ...realm, ...tagged }
  const call = { gate, logger, visitor, ownDisk, repository: place.repository, ...http }
  switch (place.kind) {
    case 'root':
      return run(rootMethods, { ...call, query })
    case 'list':
      return run(listMethods, { ...call, type: place.type, query })
    case 'object': {
      const { object } = place
      const methods = typeOf(object) === 'locks' ? lockMethods : objectMethods
      return run(methods, { ...call, object })
    }
  }
}

async function run<C extends Call>(methods: Methods<C>, call: C): Promise<void> {
  const { exchange, request, reply } = call
  const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
  if (!mayEnter(call.visitor, call.repository)) {
    await exchange.body.drain()
    exchange.note.refused = 'not-allowed'
    tell(reply, toldOfRefusal('not-allowed'))
    return
  }
  if (method === undefined && isBrowser(request.raw)) {
    await exchange.body.drain()
    const { headers, page } = welcome(request.raw, call.repository)
    void reply.code(200).headers(headers).send(page)
    return
  }
  if (method === undefined) {
    await exchange.body.drain()
    reply.header('allow', Object.keys(methods).join(', '))
    tell(reply, { status: 405, sentence: 'Method Not Allowed' })
    return
  }
  try {
    await method.answer(call)
  } catch (error) {
    // A bug: the state in memory can no longer be believed, and a gateway that has stopped commits nothing.
    if (error instanceof AssertionError) throw error
    await answerFault(call, method.toldOf(error), error)
  }
}

/** The log has the details; the client is told what it can do. */
async function answerFault(call: Call, told: Told, error: unknown): Promise<void> {
  const { exchange, logger, reply } = call
  await exchange.body.drain()
  const { about, signal } = exchange
  if (signal.aborted) logger.debug({ ...about, err: error }, 'the client went away')
  else logger.error({ ...about, err: error }, 'a request failed')
  tell(reply, told)
}

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

function objectOf(place: Place): { object?: string } {
  switch (place.kind) {
    case 'root':
      return {}
    case 'list':
      return { object: `${place.type}/` }
    case 'object':
      return { object: place.object }
  }
}
