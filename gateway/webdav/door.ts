/** Knows WebDAV as a door: which address and which method ask what, and that no request can end the process. */
import { AssertionError } from 'node:assert'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Clock } from '../../fencing/ports.js'
import type { Gate } from '../gate/gate.js'
import { exchangeOf } from '../http/exchange.js'
import { isBrowser, welcome } from '../http/welcome.js'
import { tell, type Told } from '../http/answer.js'
import type { Call, Surroundings } from './call.js'
import { Folders } from './folders.js'
import { LockTable } from './lock-table.js'
import { methodsFor } from './methods.js'
import { isMount, Openings } from './opening.js'
import type { PlainFiles } from './plain-files.js'
import { refuse } from './object-methods.js'
import { mayAsk } from './realm.js'
import { isRefusedPlace, toldOfReading, toldOfRefusal } from './refusals.js'
import { Shell, type Shown } from './shell.js'
import { prefixOf } from './prefix.js'
import { answerStep } from './steps.js'
import { parseBehind, parseNamed, stepOf, type DavTarget } from './target.js'

export interface DavDoorOptions {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  readonly isAppendOnly: boolean
  /** A user may enter only the repositories below the folder of its own name. */
  readonly isPrivate: boolean
  /** What a proxy takes off each address, where it does not say so itself. */
  readonly basePath?: string
  /** Folders that are no repository are ordinary storage, unfenced. */
  readonly plain?: PlainFiles
}

interface Setting {
  readonly around: Surroundings
  readonly shell: Shell
  readonly isAppendOnly: boolean
  readonly isPrivate: boolean
  readonly basePath: string
}

/** rclone closes a line that was idle for 60 s, and tries a deletion ten times by itself. */
const uploadParkMsMax = 30_000
const deletionParkMsMax = 5_000
const notUnderstood: Told = { status: 405, sentence: 'Method Not Allowed' }

export type DavDoor = (request: IncomingMessage, answer: ServerResponse) => void

export function createDavDoor(options: DavDoorOptions): DavDoor {
  const { gate, clock, logger, isAppendOnly, isPrivate, plain, basePath = '' } = options
  const folders = new Folders(gate)
  const openings = new Openings(() => clock.monotonic())
  const locks = locksOn(plain, clock)
  const around = {
    gate,
    folders,
    openings,
    locks,
    logger,
    ...(plain === undefined ? {} : { plain }),
  }
  const shell = new Shell(plain)
  return (request, answer) => {
    answerRequest({ around, shell, isAppendOnly, isPrivate, basePath }, request, answer).catch(
      stop,
    )
  }
}

/** Several listeners have the same files, so a lock that was taken at one holds at all of them. */
const locksByFiles = new WeakMap<PlainFiles, LockTable>()

function locksOn(plain: PlainFiles | undefined, clock: Clock): LockTable {
  const known = plain && locksByFiles.get(plain)
  const locks = known ?? new LockTable(() => clock.monotonic())
  if (plain !== undefined) locksByFiles.set(plain, locks)
  return locks
}

async function answerRequest(
  { around, shell, isAppendOnly, isPrivate, basePath }: Setting,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const exchange = exchangeOf(request)
  const prefix = prefixOf(request.headers, exchange.isFromProxy, basePath)
  const step = stepOf(request.url ?? '')
  if (step !== undefined) {
    await answerStep({ exchange, request, answer, prefix }, step)
    return
  }
  const target = parseBehind(request.url ?? '', prefix)
  if (target.kind === 'refused') {
    await exchange.body.drain()
    tell(answer, target)
    return
  }
  const { channel, client, note } = exchange
  // rclone and file managers close connections that they could use again.
  channel.staysOpen = false
  const tagged = target.tag === undefined ? {} : { tag: target.tag }
  Object.assign(note, noteOf(target), tagged)
  const reading = isMount(request.headers) ? { isReader: true as const } : {}
  const realm = isPrivate ? { realm: client.user ?? '' } : {}
  const visitor = {
    channel,
    client,
    request: exchange.id,
    isAppendOnly,
    parkMsMax: request.method === 'DELETE' ? deletionParkMsMax : uploadParkMsMax,
    ...realm,
    ...tagged,
    ...reading,
  }
  const { place } = target
  await run(shell, { ...around, visitor, target, place, exchange, request, answer })
  exchange.settle()
}

async function run(shell: Shell, call: Call): Promise<void> {
  const { exchange, answer, request, target } = call
  const name = request.method ?? ''
  let toldOf = toldOfReading
  try {
    if (!mayAsk(call.visitor, name, target.parts)) {
      exchange.note.refused = 'not-allowed'
      await refuse(call, toldOfRefusal('not-allowed'))
      return
    }
    const methods = await methodsFor(call)
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (method === undefined && isBrowser(request)) {
      await exchange.body.drain()
      const { headers, page } = welcome(request, '')
      answer.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(page) }).end(page)
      return
    }
    if (method === undefined) {
      await exchange.body.drain()
      tell(answer, notUnderstood, { allow: Object.keys(methods).join(', ') })
      return
    }
    toldOf = method.toldOf
    await shell.run(shownOf(request, target), method.answer)
  } catch (error) {
    // A bug: the state in memory can no longer be believed, and a gateway that has stopped commits nothing.
    if (error instanceof AssertionError) throw error
    await answerFault(call, toldOf(error), error)
  }
}

/** What the library is to see of a request: nothing that was not understood. */
function shownOf({ method = '', headers }: IncomingMessage, target: DavTarget): Shown {
  const { destination: header, overwrite, depth } = headers
  const destination = typeof header === 'string' ? parseNamed(target, header) : undefined
  return {
    method,
    path: target.parts,
    ...(destination?.kind === 'target' ? { destination: destination.parts } : {}),
    overwrites:
      String(overwrite ?? 'T')
        .trim()
        .toUpperCase() !== 'F',
    isShallow: depth === '0',
  }
}

/** The log has the details; the client is told what it can do. */
async function answerFault(call: Call, told: Told, error: unknown): Promise<void> {
  const { exchange, logger, answer, request } = call
  await exchange.body.drain()
  const { about, signal } = exchange
  if (signal.aborted) logger.debug({ ...about, err: error }, 'the client went away')
  // Whoever asks for what lies over a link, or in our own folders, is refused and no more.
  else if (isRefusedPlace(error)) logger.info({ ...about, reason: error.message }, 'refused')
  else logger.error({ ...about, err: error }, 'a request failed')
  // Half an answer cannot be taken back: the broken connection tells that it is not whole.
  if (answer.headersSent) request.socket.destroy()
  else tell(answer, told)
}

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

function noteOf({ place }: DavTarget): { repository?: string; object?: string } {
  switch (place.kind) {
    case 'plain':
      return {}
    case 'folder':
    case 'junk':
      return { repository: place.repository }
    case 'type':
      return { repository: place.repository, object: `${place.type}/` }
    case 'packs':
      return { repository: place.repository, object: `data/${place.prefix}/` }
    case 'object':
      return { repository: place.repository, object: place.object }
  }
}
