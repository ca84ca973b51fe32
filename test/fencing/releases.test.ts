/** Histories of runs on several lines, of which nobody knows which lock was whose: when they have ended all the same. */
import test from 'ava'
import type { Channel } from '../../fencing/evidence/presence.js'
import { World, data, lock, minutes, seconds, type SimulatedClient } from './world.js'

interface Pair {
  readonly world: World
  readonly a: SimulatedClient
  readonly b: SimulatedClient
  /** The lines on which they lock. */
  readonly lineA: Channel
  readonly lineB: Channel
  /** Both clients close their lines; who lives a little later. */
  readonly exited: () => Promise<number>
  readonly living: () => Promise<number>
}

/** Two runs that open, and lock and work on lines that may be either's. */
const locked = async (): Promise<Pair> => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [ownA, ownB] = [world.channel(), world.channel()]
  await a.open(ownA)
  await b.open(ownB)
  const [lineA, lineB] = [world.channel(), world.channel()]
  for (const [run, label, line, own] of [
    [a, 'A', lineA, ownA],
    [b, 'B', lineB, ownB],
  ] as const) {
    await run.post(lock(label), line)
    await run.list('index', line)
    await run.post(data(label), own)
  }
  for (const line of [lineA, lineB]) a.ping(line)
  const living = async (): Promise<number> => {
    await world.fence.tick()
    return world.fence.livingWriters().length
  }
  const exited = async (): Promise<number> => {
    for (const line of [ownA, ownB, lineA, lineB]) world.fence.closed(line.id, true)
    world.pass(11 * seconds)
    return living()
  }
  return { world, a, b, lineA, lineB, exited, living }
}

test('crossed lines: once each of two locks was deleted by whoever posted it, both runs have ended', async (t) => {
  const { a, b, lineA, lineB, exited, living } = await locked()
  await a.delete(lock('A'), lineA)
  await b.delete(lock('B'), lineB)
  t.is(await living(), 2, 'who waits for its lock has none for a while')
  t.is(await exited(), 0)
})

test('crossed lines: a lock that stands may be that of either', async (t) => {
  const { a, lineA, exited } = await locked()
  await a.delete(lock('A'), lineA)
  t.is(await exited(), 2)
})

test('crossed lines: a lock that may have gone by `unlock` keeps alive whose it may be', async (t) => {
  const { world, b, lineB, exited } = await locked()
  const u = world.client()
  const own = world.channel()
  await u.open(own)
  await u.list('locks', own)
  await u.delete(lock('A'), world.channel())
  await b.delete(lock('B'), lineB)
  world.fence.closed(own.id, true)
  t.true((await exited()) >= 2)
})

test('crossed lines: who posts the next lock before it deletes the last lives', async (t) => {
  const { a, b, lineA, lineB, exited } = await locked()
  await a.post(lock('A2'), lineA)
  await a.delete(lock('A'), lineA)
  await b.delete(lock('B'), lineB)
  t.is(await exited(), 2)
})

test('crossed lines: who has a line left has not exited', async (t) => {
  const { world, a, b, lineA, lineB, exited } = await locked()
  await a.list('index', world.channel())
  await a.delete(lock('A'), lineA)
  await b.delete(lock('B'), lineB)
  t.is(await exited(), 2)
})

test('crossed lines: the deletion of a lock that may take back a failed try ends nobody', async (t) => {
  const { a, b, lineA, lineB, exited } = await locked()
  await a.post(lock('A'), lineA)
  await a.delete(lock('A'), lineA)
  await b.delete(lock('B'), lineB)
  t.is(await exited(), 2)
})

test('crossed lines: a deletion that may have been sent before the lock was answered ends nobody', async (t) => {
  const { world, a, b, lineB, exited } = await locked()
  const line = world.channel()
  await a.delete(lock('A'), line)
  await b.delete(lock('B'), lineB)
  world.fence.closed(line.id, true)
  t.is(await exited(), 2)
})

test('crossed lines: what an earlier run of the gateway heard is not known any more', async (t) => {
  const { world, a, b, lineA, lineB, exited } = await locked()
  await world.restart()
  world.pass(1 * minutes)
  for (const line of [lineA, lineB]) a.ping(line)
  await a.list('index', lineA)
  await b.list('index', lineB)
  await a.delete(lock('A'), lineA)
  await b.delete(lock('B'), lineB)
  t.is(await exited(), 2)
})
