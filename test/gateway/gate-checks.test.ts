/** What the gate itself checks, whatever a door has checked before, and when it looks past itself at the folder. */
import test from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const never = new AbortController().signal

const visitor = (id: string): Visitor => ({
  channel: { id, openedAt: realClock.monotonic(), isHidden: false },
  client: { address: '192.0.2.1' },
  isAppendOnly: false,
})

const upload = (
  { gate }: GateWithParts,
  from: Visitor,
  object: ObjectName,
  content: string,
): Promise<Outcome> => {
  const chunks = (async function* () {
    yield Buffer.from(content)
  })()
  return gate.upload(from, repository, object, { chunks, drain: async () => undefined }, never)
}

const begun = async (parts: GateWithParts, channel: string): Promise<Visitor> => {
  const from = visitor(channel)
  await parts.gate.begin(from, repository)
  await parts.gate.list(from, repository, 'index')
  return from
}

const opened = async (): Promise<{ parts: GateWithParts; from: Visitor }> => {
  const parts = buildGate()
  await parts.gate.create(visitor('first'), repository)
  await upload(parts, visitor('first'), 'config' as ObjectName, 'config')
  return { parts, from: await begun(parts, 'a') }
}

test('an object whose name is not the hash of its content is refused, and nothing of it stays', async (t) => {
  const { parts, from } = await opened()
  for (const object of [
    nameOf('data', 'other'),
    nameOf('index', 'other'),
    nameOf('snapshots', 'other'),
  ]) {
    t.like(await upload(parts, from, object, 'torn'), { kind: 'refused', reason: 'wrong-hash' })
    t.is(await parts.store.stat(repository, object), undefined)
  }
  t.deepEqual(await parts.store.held(repository, 'staging'), [])
  t.deepEqual(await parts.store.held(repository, 'quarantine'), [])
})

test('the folder is compared when a client begins: a prune past the gateway is known before anybody writes', async (t) => {
  const { parts, from } = await opened()
  const index = nameOf('index', 'index')
  t.is((await upload(parts, from, index, 'index')).kind, 'done')
  await parts.store.remove(repository, index)
  await parts.gate.begin(visitor('b'), repository)
  const fence = await parts.fences.of(repository)
  t.is(Number(fence?.state.generation), 2)
})

test('who failed to open on one line and began on another is a candidate on the first one too', async (t) => {
  const { parts, from } = await opened()
  await upload(parts, from, nameOf('data', 'hers'), 'hers')
  const line = visitor('b1')
  parts.watched.failing = (call) => (call === 'stat' ? 'unavailable' : undefined)
  await t.throwsAsync(parts.gate.begin(line, repository))
  parts.watched.failing = () => undefined
  await begun(parts, 'b2')
  await upload(parts, line, nameOf('data', 'his'), 'his')
  const records = await parts.journal.read(repository, 0, 100)
  const commits = records.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  const his = commits.find(({ object }) => object === nameOf('data', 'his'))
  t.like(his, { kind: 'committed', author: { kind: 'unknown' } })
})

test('nobody is told that bytes are in quarantine before they have arrived there', async (t) => {
  const { parts, from } = await opened()
  const index = nameOf('index', 'hers')
  await upload(parts, from, nameOf('index', 'old'), 'old')
  const prune = await begun(parts, 'p')
  await upload(parts, prune, nameOf('index', 'new'), 'new')
  t.is((await parts.gate.delete(prune, repository, nameOf('index', 'old'), never)).kind, 'done')
  parts.watched.failing = (call) => (call === 'keep' ? 'unavailable' : undefined)
  await t.throwsAsync(upload(parts, from, index, 'hers'))
  await t.throwsAsync(upload(parts, from, index, 'hers'))
  parts.watched.failing = () => undefined
  t.like(await upload(parts, from, index, 'hers'), { kind: 'refused', reason: 'stale' })
  t.is((await parts.store.held(repository, 'quarantine')).length, 1)
})
