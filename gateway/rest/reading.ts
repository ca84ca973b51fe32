/** Answers what restic's REST protocol reads: lists, the presence of an object, and its bytes. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import {
  BackendError,
  type ByteRange,
  type ListEntry,
  type OpenObject,
} from '../../fencing/ports.js'
import { answerEmpty, answerHead, answerStream, beginAnswer } from '../http/answer.js'
import { formatPlace, placeHeader, placeWanted } from '../program/file-place.js'
import { tell } from './answer.js'
import type { ListCall, ObjectCall } from './call.js'
import { askedRange } from '../http/ranges.js'
import { sendBytes } from '../http/sending.js'
import { toldOfRefusal } from './refusals.js'

const listTypeV1 = 'application/vnd.x.restic.rest.v1'
const listTypeV2 = 'application/vnd.x.restic.rest.v2'
const entriesPerPiece = 1000
const shortBytesMax = 256 * 1024
const noSuchObject = { status: 404, sentence: 'Not Found' } as const

export async function answerList(call: ListCall): Promise<void> {
  const { readable, visitor, repository, type, query, exchange, request, answer } = call
  const entries = await readable.list(visitor, repository, type, askedPrefix(query))
  if (entries === undefined) {
    exchange.note.refused = 'no-repository'
    tell(answer, toldOfRefusal('no-repository'))
    return
  }
  const isV2 = request.headers.accept === listTypeV2
  const toJson = isV2 ? jsonOfV2 : jsonOfV1
  const lengthOfOne = isV2 ? lengthOfV2 : lengthOfV1
  const headers = {
    'content-type': isV2 ? listTypeV2 : listTypeV1,
    'content-length': lengthOf(entries, lengthOfOne),
  }
  await answerStream(answer, 200, headers, Readable.from(piecesOf(entries, toJson)))
}

/** Beyond restic's protocol: only the packs of one folder of `data/`. Whatever else is asked is answered with all. */
function askedPrefix(query: string): string {
  const prefix = new URLSearchParams(query).get('prefix') ?? ''
  return /^[0-9a-f]{2}$/.test(prefix) ? prefix : ''
}

/** `HEAD config` is how every run of restic begins: it bears a writer. */
export async function answerPresence(call: ObjectCall): Promise<void> {
  const { readable, visitor, repository, object, answer } = call
  const size =
    object === ('config' as ObjectName)
      ? await readable.begin(visitor, repository)
      : await readable.stat(visitor, repository, object)
  if (size === undefined) answerEmpty(answer, 404)
  else answerHead(answer, 200, headersOf(size))
}

export async function answerBytes(call: ObjectCall): Promise<void> {
  const { readable, visitor, repository, object, request, answer } = call
  const opened = await readable.open(visitor, repository, object)
  if (typeOf(object) === 'locks') keepFromLocking(call)
  if (opened === undefined) {
    tell(answer, noSuchObject)
    return
  }
  const { size, place } = opened
  if (call.ownDisk !== undefined && request.headers[placeHeader] === placeWanted && place) {
    await opened.close()
    answerEmpty(answer, 204, { [placeHeader]: formatPlace(place) })
    return
  }
  const asked = askedRange(rangeHeader(request), size)
  if (asked === 'unsatisfiable') {
    await opened.close()
    const told = { status: 416, sentence: 'Range Not Satisfiable' }
    tell(answer, told, { 'content-range': `bytes */${size}` })
    return
  }
  await sendAsked(call, opened, asked)
}

/**
 * A client that finds several locks reads them on several connections at once, and posts its own on the one that was
 * idle last. Where that would not say whose the lock is, it is closed, so that the lock comes on the client's first.
 */
function keepFromLocking({ readable, exchange }: ObjectCall): void {
  const { channel } = exchange
  if (!channel.isHidden && !readable.knows(channel.id)) exchange.endChannel()
}

async function sendAsked(
  { answer, exchange, logger }: ObjectCall,
  opened: OpenObject,
  asked: ByteRange | 'whole',
): Promise<void> {
  const { size } = opened
  const { start, end } = asked === 'whole' ? { start: 0, end: size - 1 } : asked
  const status = asked === 'whole' ? 200 : 206
  const headers = {
    ...headersOf(end - start + 1),
    ...(asked === 'whole' ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  }
  if (asked !== 'whole' && end - start < shortBytesMax) {
    const bytes = await readShort(opened, asked)
    beginAnswer(answer, status, headers)
    answer.end(bytes)
    return
  }
  answer.statusCode = status
  for (const [name, value] of Object.entries(headers)) answer.setHeader(name, value)
  try {
    await sendBytes(answer, opened, { start, end })
  } catch (error) {
    // Before its first byte there is still an answer to be given.
    if (!answer.headersSent) {
      for (const name of Object.keys(headers)) answer.removeHeader(name)
      throw error
    }
    if (!exchange.signal.aborted)
      logger.error({ ...exchange.about, err: error }, 'a download failed')
    answer.destroy()
  }
}

/** What fits into one piece needs no stream. */
async function readShort(opened: OpenObject, { start, end }: ByteRange): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(end - start + 1)
  try {
    for (let done = 0; done < bytes.byteLength;) {
      const read = await opened.readInto(bytes.subarray(done), start + done)
      if (read === 0) throw new BackendError('corrupt', 'an object has become shorter')
      done += read
    }
    return bytes
  } finally {
    await opened.close()
  }
}

function headersOf(length: number): Record<string, string | number> {
  return {
    'content-type': 'application/octet-stream',
    'content-length': length,
    'accept-ranges': 'bytes',
  }
}

/** Objects carry no validators, so a range under a condition never holds (RFC 9110, section 13.1.5). */
function rangeHeader(request: IncomingMessage): string | undefined {
  return request.headers['if-range'] === undefined ? request.headers.range : undefined
}

type ToJson = (entry: ListEntry) => string

/** The ids and sizes are hex digits and numbers: nothing in them needs escaping. */
const jsonOfV1: ToJson = ({ id }) => `"${id}"`
const jsonOfV2: ToJson = ({ id, size }) => `{"name":"${id}","size":${size}}`

const lengthOfV1 = ({ id }: ListEntry): number => id.length + '""'.length
const bareV2 = jsonOfV2({ id: '', size: 0 }).length - '0'.length
const lengthOfV2 = ({ id, size }: ListEntry): number => bareV2 + id.length + String(size).length

/**
 * restic reads a list to its closing bracket and no further. Only where the length is told is that the end of the
 * answer too; otherwise the client gives up the connection, and with it the evidence of who it is.
 */
function lengthOf(
  entries: readonly ListEntry[],
  lengthOfOne: (entry: ListEntry) => number,
): number {
  const commas = Math.max(0, entries.length - 1)
  return entries.reduce((sum, entry) => sum + lengthOfOne(entry), '[]'.length + commas)
}

/** A list of millions is written in pieces, so that others are served in between. */
function* piecesOf(entries: readonly ListEntry[], toJson: ToJson): Generator<Buffer> {
  for (let first = 0; first < entries.length; first += entriesPerPiece) {
    const piece = entries.slice(first, first + entriesPerPiece)
    yield Buffer.from(`${first === 0 ? '[' : ','}${piece.map(toJson).join(',')}`)
  }
  yield Buffer.from(entries.length === 0 ? '[]' : ']')
}
