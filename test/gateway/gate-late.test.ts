/** Requests that come after their run has ended: its client has hung up behind them, a living one has not. */
import { connect } from 'node:net'
import test from 'ava'
import { hangUpMs } from '../../fencing/late-copy.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { buildGate, nameOf, openDoor, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const never = new AbortController().signal

interface Who {
  readonly isHidden?: boolean
  readonly user?: string
}

function visitor(id: string, { isHidden = false, user }: Who = {}): Visitor {
  const channel = { id, openedAt: realClock.monotonic(), isHidden }
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

  let now = Date.now()
  const later = buildGate({ clock: { ...clock, now: () => now } })
  await oneEnded(later)
  now += 6 * 60_000
  t.is(await upload(later, visitor('next'), nameOf('index', 'new'), 'new'), 'done')
  t.is(waits(), 0)
})

test('a deletion with the end of its stream right behind it deletes nothing after its run has ended', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  await oneEnded(door)
  const path = `/${repository}/${standing}`
  const request = `DELETE ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  await new Promise<void>((resolve, reject) => {
    const socket = connect(door.port, '127.0.0.1', () => socket.end(request))
    socket.on('close', () => resolve()).on('error', reject)
    socket.resume()
  })
  await new Promise((resolve) => setTimeout(resolve, 2 * hangUpMs))
  t.is(await door.store.stat(repository, standing), 'standing'.length)
  const answer = await fetch(`http://127.0.0.1:${door.port}${path}`, { method: 'DELETE' })
  t.is(answer.status, 200)
  t.is(await door.store.stat(repository, standing), undefined)
})
