/** Requests that come after their run has ended: its client has hung up behind them, a living one has not. */
import { readFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import test from 'ava'
import { hangUpMs } from '../../fencing/evidence/late-copy.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { tlsFixture } from '../end-to-end/harness/proxy.js'
import { buildGate, nameOf, openDoor, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const never = new AbortController().signal

interface Who {
  readonly isHidden?: boolean
  readonly isMultiplexed?: boolean
  readonly user?: string
}

function visitor(
  id: string,
  { isHidden = false, isMultiplexed = false, user }: Who = {},
): Visitor {
  const channel = { id, openedAt: realClock.monotonic(), isHidden, isMultiplexed }
  const client = { address: '127.0.0.1', ...(user === undefined ? {} : { user }) }
  return { channel, client, isAppendOnly: false }
}

async function upload(
  { gate }: GateWithParts,
  from: Visitor,
  object: ObjectName,
  content: string,
  signal = never,
): Promise<string> {
  const chunks = (async function* () {
    yield Buffer.from(content)
  })()
  const body = { chunks, drain: async () => undefined }
  const outcome = await gate.upload(from, repository, object, body, signal)
  if (outcome.kind === 'done') outcome.delivered()
  return outcome.kind === 'done' ? 'done' : outcome.reason
}

async function remove(
  { gate }: GateWithParts,
  from: Visitor,
  object: ObjectName,
  signal = never,
): Promise<string> {
  const outcome = await gate.delete(from, repository, object, signal)
  return outcome.kind === 'done' ? 'done' : outcome.reason
}

const standing = nameOf('index', 'standing')

/** A run has ended by its own lock's deletion just now; another began since, has looked, and is at work. */
async function oneEnded(
  parts: GateWithParts,
  [ended, living]: readonly [Who?, Who?] = [],
): Promise<void> {
  const { gate, fences } = parts
  const [before, after] = [visitor('before', ended), visitor('after', living)]
  await gate.create(before, repository)
  await upload(parts, before, 'config' as ObjectName, 'config')
  await gate.begin(before, repository)
  const lock = nameOf('locks', 'lock')
  await upload(parts, before, lock, 'lock')
  await gate.list(before, repository, 'index')
  await upload(parts, before, standing, 'standing')
  await gate.list(before, repository, 'locks')
  await remove(parts, before, lock)
  await gate.begin(after, repository)
  await gate.list(after, repository, 'index')
  const fence = await fences.of(repository)
  if (fence?.livingWriters().length !== 1)
    throw new Error('one run must be at work, and no more')
}

/** Counts the waits for a hang-up. */
function countingClock(): { clock: typeof realClock; waits: () => number } {
  let count = 0
  const timer: typeof realClock.timer = (ms, callback) => {
    if (ms === hangUpMs) count += 1
    return realClock.timer(ms, callback)
  }
  return { clock: { ...realClock, timer }, waits: () => count }
}

function hangingUp(): AbortSignal {
  return AbortSignal.timeout(20)
}

for (const isHidden of [false, true]) {
  const how = isHidden ? 'behind a proxy' : 'on a new line'
  test(`what comes ${how} after a run has ended, and whose client hangs up, is not carried out`, async (t) => {
    const parts = buildGate()
    await oneEnded(parts)
    const { store } = parts
    const late = nameOf('index', 'late')
    const line = visitor('next', { isHidden })
    t.is(await remove(parts, line, standing, hangingUp()), 'knocked')
    // A proxy's line carries the requests of others too.
    const next = isHidden ? line : visitor('another')
    t.is(await upload(parts, next, late, 'late', hangingUp()), 'knocked')
    t.is(await store.stat(repository, standing), 'standing'.length)
    t.is(await store.stat(repository, late), undefined)
    t.deepEqual(await store.held(repository, 'staging'), [])
  })
}

test('a line that a run used before it ended says nothing of what comes on it after', async (t) => {
  const parts = buildGate()
  const { gate, store } = parts
  const [before, after] = [visitor('before'), visitor('after')]
  await gate.create(before, repository)
  await upload(parts, before, 'config' as ObjectName, 'config')
  await gate.begin(before, repository)
  await gate.list(before, repository, 'index')
  await upload(parts, before, standing, 'standing')
  await gate.begin(after, repository)
  await gate.list(after, repository, 'index')
  const used = visitor('used')
  await gate.stat(used, repository, standing)
  const fence = await parts.fences.of(repository)
  await fence?.endWriter(fence.livingWriters()[0]?.id ?? ('' as never))
  t.is(await remove(parts, used, standing, hangingUp()), 'knocked')
  t.is(await store.stat(repository, standing), 'standing'.length)
})

test('where several are at work, a late index of a run that a prune overtook is no unknown one of theirs', async (t) => {
  const parts = buildGate()
  const { gate, store, fences } = parts
  await oneEnded(parts)
  const fence = await fences.of(repository)
  await fence?.raise('operator', 'a prune')
  for (const id of ['w2', 'w3']) {
    const from = visitor(id)
    await gate.begin(from, repository)
    await upload(parts, from, nameOf('locks', id), id)
    await gate.list(from, repository, 'index')
  }
  const overtaken = fence?.livingWriters()[0]?.id ?? ('' as never)
  await fence?.endWriter(overtaken)
  const late = nameOf('index', 'late')
  t.is(await upload(parts, visitor('next'), late, 'late', hangingUp()), 'knocked')
  t.is(await store.stat(repository, late), undefined)
  t.is(await upload(parts, visitor('other'), late, 'late'), 'done')
})

test('who stays on the line is believed, and asked once', async (t) => {
  const { clock, waits } = countingClock()
  const parts = buildGate({ clock })
  await oneEnded(parts)
  const line = visitor('next')
  t.is(await upload(parts, line, nameOf('index', 'new'), 'new'), 'done')
  t.is(waits(), 1)
  t.is(await remove(parts, line, standing), 'done')
  t.is(waits(), 1)
  t.is(await parts.store.stat(repository, standing), undefined)
})

test('who has asked twice since on a line is there; who asks ahead of answers is waited for, and once', async (t) => {
  const { clock, waits } = countingClock()
  const parts = buildGate({ clock })
  await oneEnded(parts)
  const [line, multiplexed] = [visitor('line'), visitor('multiplexed', { isMultiplexed: true })]
  for (const from of [line, multiplexed]) await parts.gate.stat(from, repository, standing)
  t.is(await upload(parts, line, nameOf('index', 'one'), 'one'), 'done')
  t.is(waits(), 0)
  t.is(await upload(parts, multiplexed, nameOf('index', 'two'), 'two'), 'done')
  t.is(waits(), 1)
  t.is(await upload(parts, multiplexed, nameOf('index', 'three'), 'three'), 'done')
  t.is(waits(), 1)
})

test('nobody waits who is known by more, nor with a pack, nor where nobody who may have sent it has ended lately', async (t) => {
  const { clock, waits } = countingClock()
  const parts = buildGate({ clock })
  await oneEnded(parts)
  t.is(await upload(parts, visitor('after'), nameOf('index', 'known'), 'known'), 'done')
  // Upload names are unique to a process.
  t.is(await upload(parts, visitor('again'), nameOf('index', 'known'), 'known'), 'done')
  t.is(await upload(parts, visitor('next'), nameOf('data', 'pack'), 'pack'), 'done')
  t.is(waits(), 0)

  const [one, other] = [{ user: 'one' }, { user: 'other' }]
  const users = buildGate({ clock })
  await oneEnded(users, [one, other])
  t.is(await upload(users, visitor('next', other), nameOf('index', 'new'), 'new'), 'done')
  t.is(waits(), 0)

  let now = performance.now()
  const later = buildGate({ clock: { ...clock, running: () => now } })
  await oneEnded(later)
  now += 6 * 60_000
  t.is(await upload(later, visitor('next'), nameOf('index', 'new'), 'new'), 'done')
  t.is(waits(), 0)
})

for (const size of [0, 1024 * 1024]) {
  test(`a deletion (body: ${size} bytes) with the end of its stream right behind it deletes nothing after its run has ended`, async (t) => {
    const door = await openDoor()
    t.teardown(() => door.close())
    await oneEnded(door)
    const path = `/${repository}/${standing}`
    const head = `DELETE ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`
    await new Promise<void>((resolve, reject) => {
      const socket = connect(door.port, '127.0.0.1', () => {
        socket.write(head)
        socket.end(Buffer.alloc(size))
      })
      socket.on('close', () => resolve()).on('error', reject)
      socket.resume()
    })
    await new Promise((resolve) => setTimeout(resolve, 2 * hangUpMs))
    t.is(await door.store.stat(repository, standing), 'standing'.length)
    const answer = await fetch(`http://127.0.0.1:${door.port}${path}`, { method: 'DELETE' })
    t.is(answer.status, 200)
    t.is(await door.store.stat(repository, standing), undefined)
  })
}

test('over HTTP/2 none of several deletions is carried out whose client has hung up after its run has ended', async (t) => {
  const [certificate, key] = await Promise.all([
    readFile(tlsFixture('server.pem')),
    readFile(tlsFixture('server.key')),
  ])
  const door = await openDoor({ listener: { tls: { certificate, key, http2: true } } })
  t.teardown(() => door.close())
  await oneEnded(door)
  const plain = connect(door.port, '127.0.0.1')
  const socket = connectTls({
    socket: plain,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  }).on('error', () => undefined)
  const session = connectHttp2('https://localhost', { createConnection: () => socket })
  session.on('error', () => undefined)
  await new Promise((resolve) => session.once('remoteSettings', resolve))
  for (const method of ['HEAD', 'DELETE', 'DELETE']) {
    const path = `/${repository}/${standing}`
    const stream = session.request({ ':method': method, ':path': path })
    stream.on('error', () => undefined).end()
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  plain.end()
  await new Promise((resolve) => setTimeout(resolve, 2 * hangUpMs))
  t.is(await door.store.stat(repository, standing), 'standing'.length)
  const brokenOff = door.log.filter(({ isBrokenOff }) => isBrokenOff === true)
  t.deepEqual(
    brokenOff.map(({ method }) => method),
    ['DELETE', 'DELETE'],
  )
  session.destroy()
})
