/** Knocked requests: the first is answered at once, the next is held until something says whose it is. */
import test from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId

function visitor(id: string): Visitor {
  const channel = { id, openedAt: realClock.monotonic(), isHidden: false }
  return { channel, client: { address: '192.0.2.1' }, isAppendOnly: false }
}

function upload(
  { gate }: GateWithParts,
  from: Visitor,
  content: string,
  signal = new AbortController().signal,
  object: ObjectName = nameOf('index', content),
): Promise<Outcome> {
  const chunks = (async function* () {
    yield Buffer.from(content)
  })()
  return gate.upload(from, repository, object, { chunks, drain: async () => undefined }, signal)
}

/** A sleeper that was overtaken and a current writer, both with a lock: an unknown channel may be either's. */
async function mixed(options: Parameters<typeof buildGate>[0] = {}): Promise<GateWithParts> {
  const parts = buildGate(options)
  const { gate, fences } = parts
  await gate.create(visitor('s'), repository)
  await upload(parts, visitor('s'), 'config', undefined, 'config' as ObjectName)
  for (const id of ['sleeper', 'current']) {
    const from = visitor(id)
    if (id === 'current') await (await fences.of(repository))?.raise('operator', 'test')
    await gate.begin(from, repository)
    await upload(parts, from, `lock of ${id}`, undefined, nameOf('locks', `lock of ${id}`))
    await gate.list(from, repository, 'index')
    gate.closed(id, false)
  }
  return parts
}

const unknown = 'unknown'

test('an ambiguous index is knocked at once, then held until a lock refresh binds its channel', async (t) => {
  const parts = await mixed({ parkMs: 60_000 })
  const { gate, store } = parts
  const from = visitor(unknown)
  t.like(await upload(parts, from, 'new'), { kind: 'refused', reason: 'knocked' })
  t.is(await store.stat(repository, nameOf('index', 'new')), undefined)
  const held = upload(parts, from, 'new')
  await eventually('the retry to be held', () => gate.parked === 1)
  const refresh = nameOf('locks', 'refreshed')
  t.is((await upload(parts, from, 'refreshed', undefined, refresh)).kind, 'done')
  const old = nameOf('locks', 'lock of current')
  const { signal } = new AbortController()
  t.is((await gate.delete(from, repository, old, signal)).kind, 'done')
  t.is((await held).kind, 'done')
  t.is(gate.parked, 0)
  t.is(await store.stat(repository, nameOf('index', 'new')), 3)
  t.deepEqual(await store.held(repository, 'staging'), [])
})

test('a held request is let go of when its time is over, its client leaves, or the gate closes', async (t) => {
  const parts = await mixed({ parkMs: 50 })
  const from = visitor(unknown)
  await upload(parts, from, 'new')
  t.like(await upload(parts, from, 'new'), { reason: 'knocked' })

  const patient = await mixed({ parkMs: 600_000 })
  const client = new AbortController()
  const other = visitor(unknown)
  await upload(patient, other, 'new')
  const left = upload(patient, other, 'new', client.signal)
  await eventually('the retry to be held', () => patient.gate.parked === 1)
  client.abort()
  t.like(await left, { reason: 'knocked' })
  const closed = upload(patient, other, 'new')
  await eventually('the retry to be held', () => patient.gate.parked === 1)
  patient.gate.close()
  t.like(await closed, { reason: 'knocked' })
  t.is(patient.gate.parked, 0)
  t.deepEqual(await patient.store.held(repository, 'staging'), [])
})

test('no more requests are held than allowed', async (t) => {
  const parts = await mixed({ parkMs: 600_000, parkedMax: 1 })
  const from = visitor(unknown)
  for (const name of ['one', 'two']) await upload(parts, from, name)
  const held = upload(parts, from, 'one')
  await eventually('the retry to be held', () => parts.gate.parked === 1)
  t.like(await upload(parts, from, 'two'), { reason: 'knocked' })
  parts.gate.close()
  await held
})
