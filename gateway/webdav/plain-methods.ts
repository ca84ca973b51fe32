/** Knows what each method does to plain files; whole trees are moved, copied and removed by the library. */
import { STATUS_CODES } from 'node:http'
import { refusals } from './refusals.js'
import { plainSentences } from '../../fencing/rules/refusal.js'
import { tell } from '../http/answer.js'
import { answerXml, send, type Reply } from './answer.js'
import { admit, locksOnMember, locksOnTree, refusalOf, type Admitted } from './conditions.js'
import { sendFile } from './file-answer.js'
import type { Lock } from './lock-table.js'
import { multistatusHead, multistatusTail, propstat, response } from './multistatus.js'
import type { PlainPath, PlainResult } from './plain-files.js'
import { plainChildren, plainResource, resourceOf, type PlainCall } from './plain-resources.js'
import { answerPropfind } from './propfind.js'
import { depthOf } from './propfind-request.js'
import { isSame } from './properties.js'
import { readInstructions } from './proppatch.js'
import { isProtected, type Instruction } from './proppatch-request.js'
import { isOwn } from './realm.js'
import { dropBody } from './request-body.js'
import { validatorsOf, type DeadProperty } from './resource.js'
import { hrefOf, parseNamed, type DavTarget } from './target.js'
import { property } from './xml-writing.js'

const notFound: Reply = { status: 404, sentence: 'Not Found' }
const appendOnly: Reply = {
  status: refusals['append-only'].status,
  sentence: plainSentences['append-only'],
}

export async function findPlain(call: PlainCall): Promise<void> {
  const { target } = call
  await answerPropfind(call, async () => {
    const self = await plainResource(call, target.parts)
    return self && { self, children: () => plainChildren(call, target.parts) }
  })
}

export async function answerPlain(call: PlainCall): Promise<void> {
  const { plain, target, exchange, answer } = call
  await exchange.body.drain()
  const opened = await plain.open(target.parts)
  if (opened === undefined) {
    tell(answer, { status: 404, sentence: 'There is no such file.' })
    return
  }
  const { entry, bytes } = opened
  await sendFile(call, resourceOf(call, target.parts, entry, []), bytes)
}

export async function putPlain(call: PlainCall): Promise<Reply> {
  const { plain, target, exchange, request, visitor } = call
  if (request.headers['content-range'] !== undefined) {
    return { status: 400, sentence: 'Files are uploaded whole.' }
  }
  if (target.isFolder) return { status: 409, sentence: 'A file has no slash at its end.' }
  const refused = await mayChange(call, locksOnMember(call, target.parts))
  if (refused !== undefined) return refused
  if (visitor.isAppendOnly && (await plain.stat(target.parts)) !== undefined) return appendOnly
  plain.requireSpace?.(exchange.body.size ?? 0)
  const result = await plain.put(target.parts, exchange.body.chunks, exchange.signal)
  if (result !== 'created' && result !== 'replaced') return toldOf(result)
  const resource = await plainResource(call, target.parts)
  const status = result === 'created' ? 201 : 204
  return resource === undefined ? { status } : { status, headers: validatorsOf(resource) }
}

export async function makePlain(
  call: PlainCall,
  byLibrary: () => Promise<number>,
): Promise<Reply> {
  if (await dropBody(call.exchange)) {
    return { status: 415, sentence: 'A folder is made without a body.' }
  }
  const refused = await mayChange(call, locksOnMember(call, call.target.parts))
  return refused ?? statusReply(await byLibrary())
}

export async function removePlain(
  call: PlainCall,
  byLibrary: () => Promise<number>,
): Promise<Reply> {
  const { target, locks, visitor, exchange, request } = call
  await dropBody(exchange)
  if (visitor.isAppendOnly) return appendOnly
  if (depthOf(request.headers, 'infinity') !== 'infinity') {
    return { status: 400, sentence: 'A folder is removed with all that is in it.' }
  }
  const refused = await mayChange(call, locksOnTree(call, target.parts))
  if (refused !== undefined) return refused
  const status = await byLibrary()
  if (status < 300) locks.dropAtOrBelow(target.parts)
  return statusReply(status === 200 ? 204 : status)
}

/** COPY and MOVE. */
export async function transferPlain(
  call: PlainCall,
  byLibrary: () => Promise<number>,
): Promise<Reply> {
  const { target, locks, exchange, request, visitor, plain } = call
  await dropBody(exchange)
  const isMove = request.method === 'MOVE'
  const destination = destinationOf(call)
  if ('status' in destination) return destination
  const to = destination.parts
  const taken = visitor.isAppendOnly && (isMove || (await plain.stat(to)) !== undefined)
  if (taken) return appendOnly
  const groups = locksOnTree(call, to)
  if (isMove) groups.push(...locksOnTree(call, target.parts))
  const refused = await mayChange(call, groups)
  if (refused !== undefined) return refused
  const status = await byLibrary()
  if (status < 300 && isMove) locks.dropAtOrBelow(target.parts)
  return statusReply(status)
}

export async function setPlainProperties(call: PlainCall): Promise<void> {
  const { plain, target, answer } = call
  const instructions = await readInstructions(call)
  if (instructions === undefined) return
  const isThere = (await plain.stat(target.parts)) !== undefined
  const refused = isThere ? await mayChange(call, [call.locks.on(target.parts)]) : notFound
  if (refused !== undefined) {
    await send(answer, refused)
    return
  }
  const isRefused = instructions.some(isProtected)
  const after = changed(await plain.properties(target.parts), instructions)
  const isTooMuch = JSON.stringify(after).length > propertiesCharactersMax
  if (!isRefused && !isTooMuch) await plain.setProperties(target.parts, after)
  const parts = instructions.map((one) => {
    const status = isTooMuch ? 507 : isProtected(one) ? 403 : isRefused ? 424 : 200
    return propstat(property(one.property, ''), status)
  })
  const href = hrefOf(target.base, target.parts, target.isFolder)
  const inner = parts.length === 0 ? propstat('', 200) : parts.join('')
  await answerXml(answer, 207, [multistatusHead + response(href, inner) + multistatusTail])
}

const propertiesCharactersMax = 256 * 1024

/** Where COPY and MOVE lead, or why they lead nowhere. */
export function destinationOf({ request, target, visitor }: PlainCall): DavTarget | Reply {
  const { headers } = request
  const header = headers.destination
  const overwrite = String(headers.overwrite ?? 'T')
    .trim()
    .toUpperCase()
  const depth = depthOf(headers, 'infinity')
  const isDepth = depth === 'infinity' || (depth === '0' && request.method === 'COPY')
  if (typeof header !== 'string' || !isDepth || !/^[TF]$/.test(overwrite)) {
    return { status: 400, sentence: 'Destination, Overwrite or Depth is none of RFC 4918.' }
  }
  const destination = parseNamed(target, header)
  if (destination.kind === 'refused') {
    const { status, sentence } = destination
    return status === 404
      ? { status: 502, sentence: 'That is not on this server.' }
      : { status, sentence }
  }
  const { parts, place } = destination
  if (!isOwn(visitor, parts)) return { status: 403, sentence: plainSentences['not-allowed'] }
  if (place.kind !== 'plain' && place.kind !== 'folder') {
    return { status: 403, sentence: 'Nothing is moved or copied into a repository.' }
  }
  if (isWithin(target.parts, parts) || isWithin(parts, target.parts)) {
    return { status: 403, sentence: 'The destination is the source, in it, or around it.' }
  }
  return destination
}

function isWithin(folder: PlainPath, path: PlainPath): boolean {
  return folder.every((name, depth) => path[depth] === name)
}

async function mayChange(
  call: PlainCall,
  groups: readonly Lock[][],
): Promise<Reply | undefined> {
  const admitted: Admitted = await admit(call)
  return 'refused' in admitted ? admitted.refused : refusalOf(call, groups, admitted.tokens)
}

function changed(
  before: readonly DeadProperty[],
  instructions: readonly Instruction[],
): DeadProperty[] {
  let after = [...before]
  for (const one of instructions) {
    after = after.filter((each) => !isSame(each, one.property))
    if (one.kind === 'set') after.push(one.property)
  }
  return after
}

function toldOf(result: Exclude<PlainResult, 'created' | 'replaced'>): Reply {
  switch (result) {
    case 'missing':
      return notFound
    case 'no-parent':
      return { status: 409, sentence: 'The folder that this would lie in is missing.' }
    case 'taken':
      return { status: 405, sentence: 'There is something of this name already.' }
  }
}

function statusReply(status: number): Reply {
  return status < 300 ? { status } : { status, sentence: STATUS_CODES[status] ?? 'Refused' }
}
