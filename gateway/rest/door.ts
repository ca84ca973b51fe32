/** Knows restic's REST protocol as a door: which address and which method ask what of the gate. */
import { AssertionError } from 'node:assert'
import type { Logger } from 'pino'
import { typeOf } from '../../fencing/object.js'
import type { FilePlace } from '../../fencing/ports.js'
import { formatPlace, placeHeader } from '../program/file-place.js'
import { mayEnter, type Gate } from '../gate/gate.js'
import type { RequestHandler } from '../http/channels.js'
import type { Overlays } from '../overlay/overlays.js'
import { constantsOf } from '../http/constants.js'
import { exchangeOf } from '../http/exchange.js'
import { beginAnswer, type Told } from '../http/answer.js'
import { isBrowser, welcome } from '../http/welcome.js'
import { tell } from './answer.js'
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
  readonly overlays?: Pick<Overlays, 'find'>
}

interface Method<C extends Call> {
  readonly answer: (call: C) => Promise<void>
  readonly toldOf: (error: unknown) => Told
}

type Methods<C extends Call> = Readonly<Record<string, Method<C>>>

const notFound: Told = { status: 404, sentence: 'Not Found' }
const noOverlay: Told = {
  status: 404,
  sentence:
    'There is no such overlay of this repository; "lockkeeper quarantine overlay" makes one.',
}
const notAllowed: Told = { status: 405, sentence: 'Method Not Allowed' }

const rootMethods: Methods<RootCall> = {
  POST: { answer: answerCreation, toldOf: toldOfWriting },
}
const listMethods: Methods<ListCall> = {
  GET: { answer: answerList, toldOf: toldOfListing },
}
const readMethods: Methods<ObjectCall> = {
  HEAD: { answer: answerPresence, toldOf: toldOfReading },
  GET: { answer: answerBytes, toldOf: toldOfReading },
}
const objectMethods: Methods<ObjectCall> = {
  ...readMethods,
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

/** Answers every address that no other door has taken. */
export function createRestDoor(options: RestDoorOptions): RequestHandler {
  return (request, answer) => {
    answerRequest(options, { exchange: exchangeOf(request), request, answer }).catch(stop)
  }
}

type Http = Pick<Call, 'exchange' | 'request' | 'answer'>

async function answerRequest(options: RestDoorOptions, http: Http): Promise<void> {
  const { exchange, request, answer } = http
  const target = parseTarget(request.url ?? '')
  switch (target.kind) {
    case 'nowhere':
      await exchange.body.drain()
      tell(answer, target.isList ? toldOfRefusal('no-repository') : notFound)
      return
    case 'malformed':
      await exchange.body.drain()
      tell(answer, target)
      return
    case 'repositories':
      await answerRepositories(options, http)
      return
    case 'place':
      await answerAt(options, target, http)
      exchange.settle()
      return
  }
}

async function answerRepositories(
  { gate, logger, isPrivate, ownDisk }: RestDoorOptions,
  { exchange, request, answer }: Http,
): Promise<void> {
  await exchange.body.drain()
  if (request.method !== 'GET') {
    tell(answer, notAllowed, { allow: 'GET' })
    return
  }
  try {
    const { channel, client } = exchange
    const realm = isPrivate ? { realm: client.user ?? '' } : {}
    const visitor = { channel, client, isAppendOnly: true, ...realm }
    const all = await gate.repositories()
    const open = all.filter((repository) => mayEnter(visitor, repository))
    const place = ownDisk === undefined ? {} : { [placeHeader]: formatPlace(ownDisk) }
    const body = Buffer.from(JSON.stringify(open))
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    beginAnswer(answer, 200, { ...headers, ...place })
    answer.end(body)
  } catch (error) {
    logger.error({ ...exchange.about, err: error }, 'a request failed')
    tell(answer, toldOfReading(error))
  }
}

async function answerAt(
  { gate, logger, isAppendOnly, isPrivate, ownDisk, overlays }: RestDoorOptions,
  { place, tag, query, overlay: overlayId }: Extract<Target, { kind: 'place' }>,
  http: Http,
): Promise<void> {
  const { channel, client, id: request, note } = http.exchange
  const tagged = tag === undefined ? {} : { tag }
  Object.assign(note, { repository: place.repository, ...objectOf(place), ...tagged })
  const realm = isPrivate ? { realm: client.user ?? '' } : {}
  const constants = constantsOf('rest', http.request)
  const visitor = { channel, client, request, constants, isAppendOnly, ...realm, ...tagged }
  const { repository } = place
  const overlay = overlayId === undefined ? undefined : overlays?.find(overlayId, repository)
  if (overlayId !== undefined && overlay === undefined) {
    await http.exchange.body.drain()
    tell(http.answer, noOverlay)
    return
  }
  const readable = overlay ?? gate
  const call = { gate, readable, logger, visitor, ownDisk, repository, ...http }
  switch (place.kind) {
    case 'root':
      return run(overlay === undefined ? rootMethods : {}, { ...call, query })
    case 'list':
      return run(listMethods, { ...call, type: place.type, query })
    case 'object': {
      const { object } = place
      const own = typeOf(object) === 'locks' ? lockMethods : objectMethods
      return run(overlay === undefined ? own : readMethods, { ...call, object })
    }
  }
}

async function run<C extends Call>(methods: Methods<C>, call: C): Promise<void> {
  const { exchange, request, answer } = call
  const { method: name = '' } = request
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (!mayEnter(call.visitor, call.repository)) {
    await exchange.body.drain()
    exchange.note.refused = 'not-allowed'
    tell(answer, toldOfRefusal('not-allowed'))
    return
  }
  if (method === undefined && isBrowser(request)) {
    await exchange.body.drain()
    const { headers, page } = welcome(request, call.repository)
    const body = Buffer.from(page)
    beginAnswer(answer, 200, { ...headers, 'content-length': body.length })
    answer.end(body)
    return
  }
  if (method === undefined) {
    await exchange.body.drain()
    tell(answer, notAllowed, { allow: Object.keys(methods).join(', ') })
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
  const { exchange, logger, answer } = call
  await exchange.body.drain()
  const { about, signal } = exchange
  if (signal.aborted) logger.debug({ ...about, err: error }, 'the client went away')
  else logger.error({ ...about, err: error }, 'a request failed')
  tell(answer, told)
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
