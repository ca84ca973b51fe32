/** Everything is decided by the gateway's own running time: a date that jumps by decades changes nothing. */
import test from 'ava'
import { chainHash } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import { data, days, index, lock, minutes, World } from './world.js'

const decades = 40 * 365 * days
const repository = 'r' as RepositoryId

for (const jump of [decades, -decades])
  test(`a date that is off by ${(jump / decades) * 40} years ends nobody and takes no bytes`, async (t) => {
    const world = await World.create()
    const [sleeper, channel] = [world.client(), world.channel()]
    await sleeper.begin('sleeper', channel)
    await world.fence.raise('root', 'test')
    t.is(await sleeper.post(data('1'), channel, { size: 100 }), 'stale')
    world.shiftDate(jump)
    await world.restart()
    await world.carryOut(await world.fence.tick())
    t.deepEqual(world.fence.oldItems(90 * days), [])
    t.is(world.fence.livingWriters().length, 1)
    world.shiftDate(-jump)
    await world.carryOut(await world.fence.tick())
    t.deepEqual(world.fence.oldItems(90 * days), [])
    t.is(world.fence.livingWriters().length, 1)
    world.pass(91 * days)
    t.is(world.fence.oldItems(90 * days).length, 1, 'time passes all the same')
    await world.carryOut(await world.fence.tick())
    t.is(world.fence.livingWriters().length, 0)
  })

test('a date that jumps does not forget who ended, nor let a late copy through', async (t) => {
  const world = await World.create()
  const client = world.client()
  const channel = world.channel()
  await client.begin('A', channel)
  await client.delete(lock('A'), channel)
  const [ended] = world.fence.state.writers.values()
  t.is(ended?.ended?.cause, 'unlocked')
  world.shiftDate(decades)
  const tagged = world.client({ tag: 'other' })
  await tagged.begin('B', world.channel())
  for (let count = 0; count < 1200; count += 1) {
    await world.fence.raise('root', `${count}`)
  }
  t.true(world.fence.state.writers.has(ended?.id ?? ('' as never)))
  world.pass(61 * minutes)
  for (let count = 0; count < 1100; count += 1) {
    await world.fence.raise('root', `${count}`)
  }
  t.false(world.fence.state.writers.has(ended?.id ?? ('' as never)))
})

test('what an older gateway recorded counts from the first start of one that notes running times', async (t) => {
  const journal = memoryJournal()
  const old = await World.create({ journal })
  const channel = old.channel()
  const sleeper = old.client()
  await sleeper.begin('sleeper', channel)
  await old.fence.raise('root', 'test')
  await sleeper.post(data('1'), channel, { size: 100 })
  await old.fence.flush()
  const earlier = memoryJournal()
  let hash = '0'.repeat(64)
  const records = (await journal.read(repository, 0, 1000)).map(({ position, time, body }) => {
    const { ran, ...event } = JSON.parse(body) as { ran?: number }
    t.is(typeof ran, 'number')
    const record = { position, time: time - decades, body: JSON.stringify(event) }
    hash = chainHash(hash, record)
    return { ...record, hash }
  })
  await earlier.append({ repository, records, unsettled: [] })
  const world = await World.create({ journal: earlier })
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 1)
  t.deepEqual(world.fence.oldItems(90 * days), [])
  world.pass(13 * days)
  await world.restart()
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 1)
  world.pass(2 * days)
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 0)
})

test('running time that a crash took is not taken for a step back', async (t) => {
  const world = await World.create()
  world.pass(30 * days)
  const [client, channel] = [world.client(), world.channel()]
  await client.begin('A', channel)
  t.is(await client.post(index('A'), channel), 'ok')
  world.loseRunningTime(29 * days)
  await world.restart()
  world.pass(13 * days)
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 1)
  world.pass(2 * days)
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 0)
})
