/** Knows LOCK and UNLOCK of plain files. */
import type { Reply } from './answer.js'
import { admit, lockedReply, locksOnMember, refusalOf } from './conditions.js'
import { parseIf, tokensOf } from './if-header.js'
import { lockInfoOf, lockTokenOf, timeoutOf, type LockInfo } from './lock-request.js'
import type { Lock } from './lock-table.js'
import { storyOf, type PlainCall } from './plain-resources.js'
import { depthOf } from './propfind-request.js'
import { activeLock } from './properties.js'
import { dropBody, readXml } from './request-body.js'
import { xmlHead } from './xml-writing.js'

const badLock: Reply = { status: 400, sentence: 'The LOCK is none of RFC 4918.' }
const noSuchLock: Reply = { status: 409, sentence: 'There is no such lock here.' }
const tooMany: Reply = { status: 503, sentence: 'Too many locks are held already.' }

/** Without a body a lock is held for longer, with one another is taken. */
export async function lockPlain(call: PlainCall): Promise<Reply> {
  const { exchange, request } = call
  const body = await readXml(exchange)
  if (body.kind === 'bad') return body.told
  if (body.kind === 'none') return refreshLock(call)
  const info = lockInfoOf(body.root)
  const depth = depthOf(request.headers, 'infinity')
  if (info === undefined || depth === undefined || depth === '1') return badLock
  return takeLock(call, info, depth === 'infinity')
}

export async function unlockPlain(call: PlainCall): Promise<Reply> {
  const { locks, exchange, request, target, visitor } = call
  await dropBody(exchange)
  const token = lockTokenOf(request.headers)
  if (token === undefined) return { status: 400, sentence: 'Lock-Token is missing.' }
  const lock = locks.on(target.parts).find((one) => one.token === token)
  if (lock === undefined) return noSuchLock
  if (lock.user !== visitor.client.user) return { status: 403, sentence: 'Not your lock.' }
  locks.drop(lock)
  return { status: 204 }
}

async function takeLock(call: PlainCall, info: LockInfo, isDeep: boolean): Promise<Reply> {
  const { locks, plain, target, request, visitor, exchange } = call
  const admitted = await admit(call)
  if ('refused' in admitted) return admitted.refused
  const standing = await plain.stat(target.parts)
  if (standing === undefined) {
    const refused = refusalOf(call, locksOnMember(call, target.parts), admitted.tokens)
    if (refused !== undefined) return refused
  }
  const { user, address } = visitor.client
  const named = user === undefined ? {} : { user }
  const holder = user === undefined ? `address ${address}` : `user ${user}`
  const wish = { ...info, root: target.parts, isDeep, holder, ...named }
  const taken = locks.take(wish, timeoutOf(request.headers))
  if (taken === 'full') return tooMany
  if (!('token' in taken)) return lockedReply('no-conflicting-lock', target.base, taken)
  if (standing !== undefined) return lockReply(call, taken, 200)
  // A name that is locked before there is anything is an empty file (RFC 4918, section 7.3).
  const result = await plain
    .put(target.parts, nothing(), exchange.signal)
    .catch((error: unknown) => {
      locks.drop(taken)
      throw error
    })
  if (result === 'created') return lockReply(call, taken, 201)
  locks.drop(taken)
  return { status: 409, sentence: 'The folder that this would lie in is missing.' }
}

async function refreshLock(call: PlainCall): Promise<Reply> {
  const { locks, request, target, visitor } = call
  const lists = parseIf(String(request.headers.if ?? ''))
  if (lists === undefined) return badLock
  const tokens = tokensOf(lists)
  const lock = locks.on(target.parts).find((one) => {
    return tokens.has(one.token) && one.user === visitor.client.user
  })
  if (lock === undefined) return { status: 412, sentence: 'There is no such lock here.' }
  locks.refresh(lock, timeoutOf(request.headers))
  return { ...lockReply(call, lock, 200), headers: {} }
}

function lockReply({ locks, target }: PlainCall, lock: Lock, status: number): Reply {
  const inner = activeLock(storyOf(locks, target, lock))
  return {
    status,
    xml: `${xmlHead}<D:prop xmlns:D="DAV:"><D:lockdiscovery>${inner}</D:lockdiscovery></D:prop>`,
    headers: { 'lock-token': `<${lock.token}>` },
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // No bytes at all.
}
