/** A gateway that only observes: everything is carried out, and what would have been refused is noted and counted. */
import test from 'ava'
import fc from 'fast-check'
import { parseEvent, type JournalEvent } from '../../fencing/journal/event.js'
import { World, data, index, lock, minutes, snapshot } from './world.js'

async function eventsOf(world: World): Promise<JournalEvent[]> {
  const records = await world.journal.read(world.fence.repository, 0, 10_000)
  return records.flatMap(({ body }) => parseEvent(body) ?? [])
}

const observing = { standing: [index('1'), data('1')], isObserving: true }

test('a stale writer commits, and the journal says why it would not have', async (t) => {
  const world = await World.create(observing)
  const [a, p] = [world.client(), world.client()]
  const [ofA, ofP] = [world.channel(), world.channel()]
  await a.begin('A', ofA)
  await p.begin('P', ofP)
  t.is(await p.delete(index('1'), ofP), 'ok')
  t.is(await a.post(index('A'), ofA), 'ok')
  t.is(await a.post(lock('A2'), ofA), 'ok')
  t.true(world.disk.has(index('A')))
  t.true(world.disk.has(lock('A')), 'its locks stay')
  const events = await eventsOf(world)
  const at = events.findIndex(({ kind }) => kind === 'passed')
  t.like(events[at], { object: index('A'), reason: 'stale', verb: 'upload', generation: 1 })
  t.like(events[at], { run: { by: p.id, generation: 2 }, author: { writer: a.id } })
  t.like(events[at + 1], { kind: 'committed', object: index('A') }, 'what it did comes next')
  t.deepEqual([...world.fence.state.passed], [['stale', 2]])
  t.is(world.fence.state.items.size, 0, 'nothing is quarantined')
})

test("what a stale writer committed is its commit: another's maintenance conflicts with it", async (t) => {
  const world = await World.create(observing)
  const [a, p, q] = [world.client(), world.client(), world.client()]
  const [ofA, ofP, ofQ] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', ofA)
  await p.begin('P', ofP)
  await p.delete(index('1'), ofP)
  await q.begin('Q', ofQ)
  await a.post(index('A'), ofA)
  t.is(await q.delete(data('1'), ofQ), 'ok')
  t.deepEqual(
    [...world.fence.state.passed],
    [
      ['stale', 1],
      ['conflict', 1],
    ],
  )
})

test('refusing begins where observing ends: who was overtaken is fenced, and nobody else', async (t) => {
  const world = await World.create(observing)
  const tags = ['a', 'p', 'b'].map((tag) => ({ tag, client: world.client({ tag }) }))
  const [a, p, b] = tags.map(({ client }) => client)
  if (a === undefined || p === undefined || b === undefined) return t.fail()
  await a.begin('A', world.channel())
  await p.begin('P', world.channel())
  t.is(await p.delete(index('1'), world.channel()), 'ok')
  t.is(await a.post(index('A'), world.channel()), 'ok')
  await b.begin('B', world.channel())
  await world.restart({ isObserving: false })
  t.is(await a.post(snapshot('A'), world.channel()), 'stale')
  t.is(await b.post(snapshot('B'), world.channel()), 'ok')
  t.is(await p.delete(data('1'), world.channel()), 'conflict', 'A and B have committed since')
})

test('a run that began unseen is let through, and counted as that', async (t) => {
  const world = await World.create(observing)
  const a = world.client()
  t.is(await a.post(snapshot('A'), world.channel()), 'ok')
  t.deepEqual([...world.fence.state.passed], [['unseen', 1]])
})

test('deletions that nobody knows the author of are one maintenance that overtakes everybody', async (t) => {
  const world = await World.create({
    ...observing,
    standing: [index('1'), data('1'), data('2')],
  })
  const [a, b] = [world.client(), world.client()]
  const [ofA, ofB] = [world.channel(), world.channel()]
  await a.begin('A', ofA)
  await b.begin('B', ofB)
  const other = world.channel()
  t.is(await a.delete(data('1'), other), 'ok')
  t.is(await a.delete(data('2'), other), 'ok')
  t.is(world.generation, 2)
  t.deepEqual(world.standing('data/'), [])
  t.is(await b.post(index('B'), ofB), 'ok')
  t.deepEqual(
    [...world.fence.state.passed],
    [
      ['knocked', 1],
      ['stale', 2],
    ],
  )
  await world.restart({ isObserving: false })
  t.is(world.fence.state.runs.length, 1)
  t.is(world.generation, 2)
})

test("a sleeper's lock is shown to everybody, as it is all that protects", async (t) => {
  const world = await World.create(observing)
  await world.client().begin('A', world.channel())
  world.pass(31 * minutes)
  const b = world.client()
  const channel = world.channel()
  await b.open(channel)
  t.deepEqual(await b.list('locks', channel), [lock('A')])
})

test('what was quarantined before is committed when it is tried again', async (t) => {
  const world = await World.create({ standing: [index('1')] })
  const a = world.client({ tag: 'a' })
  await a.begin('A', world.channel())
  await world.fence.raise('root', 'test')
  t.is(await a.post(index('A'), world.channel()), 'stale')
  await world.restart({ isObserving: true })
  t.is(await a.post(index('A'), world.channel()), 'ok')
  t.true(world.disk.has(index('A')))
  t.deepEqual(
    [...world.fence.state.items.values()].map(({ state }) => state),
    ['resolved'],
  )
})

test('whatever clients do is carried out, and a restart knows the same', async (t) => {
  const step = fc.record({
    who: fc.nat(3),
    where: fc.nat(5),
    what: fc.constantFrom('open', 'look', 'lock', 'index', 'data', 'snapshot', 'delete'),
    which: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = await World.create(observing)
      const clients = Array.from({ length: 4 }, () => world.client())
      const channels = Array.from({ length: 6 }, () => world.channel())
      for (const { who, where, what, which } of steps) {
        const [client, channel] = [clients[who], channels[where]]
        if (client === undefined || channel === undefined) continue
        const name = `${which}`
        if (what === 'open') await client.open(channel)
        else if (what === 'look') await client.look(channel)
        else if (what === 'delete') t.is(await client.delete(index(name), channel), 'ok')
        else {
          const object = { lock, index, data, snapshot }[what](name)
          t.is(await client.post(object, channel), 'ok')
          t.true(world.disk.has(object))
        }
      }
      const { generation, passed, indexes } = world.fence.state
      await world.fence.flush()
      await world.restart({ isObserving: false })
      t.is(world.generation, generation)
      t.deepEqual(world.fence.state.passed, passed)
      t.deepEqual(world.fence.state.indexes, indexes)
    }),
    { numRuns: 200 },
  )
})

test('nothing waits for the end of a client: it would be carried out anyway', async (t) => {
  for (const isObserving of [true, false]) {
    const world = await World.create({ isObserving })
    const [ended, living] = [world.client(), world.client()]
    await ended.begin('E', world.channel())
    await living.begin('L', world.channel())
    await world.fence.endWriter(ended.id ?? ('' as never))
    const caller = world.fence.caller(world.channel(), { client: { address: '127.0.0.1' } })
    const isDecided = await world.fence.outwait(
      caller,
      'upload',
      index('N'),
      AbortSignal.abort(),
    )
    t.is(isDecided, isObserving)
  }
})
