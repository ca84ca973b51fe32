/** Histories of runs that have ended, and of those that only look like it. */
import test from 'ava'
import { possiblePosters } from '../../fencing/state/repository-state.js'
import type { ObjectName } from '../../fencing/object.js'
import { World, data, index, lock, minutes, seconds, snapshot } from './world.js'

// rclone closes them after 60 s by its own clock, which may be a little faster than ours.
for (const [client, idleSeconds] of [
  ['restic', 90],
  ['rclone', 59.9],
] as const) {
  const title = `a quiet tool: ${client} closes lines idle for ${idleSeconds} s and has not exited`
  test(title, async (t) => {
    const world = await World.create({ standing: [index('old')] })
    const [p, u] = [world.client(), world.client()]
    const [chP, chU] = [world.channel(), world.channel()]
    await p.begin('P', chP)
    await u.open(chU)
    world.pass(idleSeconds * seconds)
    world.fence.closed(chU.id, true)
    world.pass(11 * minutes)
    await world.fence.tick()
    p.ping(chP)
    const unknown = world.channel()
    await u.list('snapshots', unknown)
    t.not(await u.post(snapshot('U'), unknown), 'ok')
    t.false(world.disk.has(snapshot('U')))
  })
}

for (const work of ['locked', 'posted'] as const)
  test(`a process that has ${work} may come back on another line, however it closed this one`, async (t) => {
    const world = await World.create()
    const a = world.client()
    const chA = world.channel()
    await a.open(chA)
    await a.list('index', chA)
    await a.post(work === 'locked' ? lock('A') : data('A'), chA)
    world.pass(1 * seconds)
    world.fence.closed(chA.id, true)
    world.pass(11 * minutes)
    await world.fence.tick()
    t.is(world.fence.livingWriters().length, 1)
  })

test('a process that closes its line at once has ended ten minutes later, and not before', async (t) => {
  const world = await World.create()
  const u = world.client()
  const chU = world.channel()
  await u.open(chU)
  await u.list('snapshots', chU)
  world.pass(1 * seconds)
  world.fence.closed(chU.id, true)
  world.pass(9 * minutes)
  await world.fence.tick()
  t.is(world.fence.livingWriters().length, 1)
  world.pass(2 * minutes)
  await world.fence.tick()
  t.is(world.fence.livingWriters().length, 0)
})

test('unlock ends the living: only the newest lock, deleted by its writer, ends it', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, u] = [world.client(), world.client()]
  const [chP, chU] = [world.channel(), world.channel()]
  await p.begin('L0', chP)
  await p.list('data', chP)
  await p.post(lock('L1'), chP)
  await u.open(chU)
  await u.delete(lock('L1'), chU)
  await p.delete(lock('L0'), chP)
  t.true(world.fence.livingWriters().some((writer) => writer.id === p.id))
  await u.look(chU)
  t.is(await u.post(snapshot('U'), chU), 'ok')
  t.is(
    await p.delete(index('old'), world.channel()),
    'conflict',
    'who never locked is no other',
  )
})

test("unlock ends the living: removing all of another writer's locks does not end it", async (t) => {
  const world = await World.create()
  const [p, u] = [world.client(), world.client()]
  const [chP, chU] = [world.channel(), world.channel()]
  await p.begin('L0', chP)
  await u.open(chU)
  await u.look(chU)
  await u.delete(lock('L0'), chU)
  await u.delete(lock('L0'), world.channel())
  t.true(world.fence.livingWriters().some((writer) => writer.id === p.id))
})

test('unowned lock: a lock that may be its keeps a writer alive', async (t) => {
  const world = await World.create()
  const [a, p] = [world.client(), world.client()]
  const [chA, chP] = [world.channel(), world.channel()]
  await a.begin('L0', chA)
  await a.post(data('X'), chA)
  await p.begin('P', chP)
  t.is(await a.post(lock('L1'), world.channel()), 'ok')
  await a.delete(lock('L0'), chA)
  t.true(world.fence.livingWriters().some((writer) => writer.id === a.id))
})

test('false look: a listing that only may be its is no evidence for an ending', async (t) => {
  const world = await World.create()
  const [p, r] = [world.client(), world.client()]
  const [chP, chR] = [world.channel(), world.channel()]
  await p.open(chP)
  await p.post(lock('P'), chP)
  await p.list('locks', chP)
  await r.open(chR)
  await r.post(lock('R'), chR)
  await r.list('index', world.channel())
  await p.delete(lock('P'), chP)
  t.true(world.fence.livingWriters().some((writer) => writer.id === p.id))
})

test('taken too early: a writer that deletes its newest lock while it holds another has not ended', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.begin('A', chA)
  await a.post(lock('A2'), chA)
  await a.list('locks', chA)
  await a.delete(lock('A2'), chA)
  t.true(world.fence.livingWriters().some((writer) => writer.id === a.id))
})

test('unlocked by a stranger: what somebody lists before he deletes a lock is no work of its owner', async (t) => {
  const world = await World.create()
  const [a, u] = [world.client(), world.client()]
  await a.begin('A', world.channel())
  const own = world.channel()
  await u.open(own)
  await u.list('locks', own)
  const line = world.channel()
  await u.list('keys', line)
  await u.delete(lock('A'), line)
  t.true(world.fence.livingWriters().some((writer) => writer.id === a.id))
})

test('deleted side by side: a maintenance that unlocks on a line where it only deleted has ended', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const p = world.client()
  const [ch1, ch2] = [world.channel(), world.channel()]
  await p.begin('P', ch1)
  await p.post(index('3'), ch1)
  t.is(await p.delete(index('1'), ch1), 'ok')
  t.is(await p.delete(index('2'), ch2), 'ok')
  await p.delete(lock('P'), ch2)
  t.is(world.fence.livingWriters().length, 0)
})

test('slept in a refresh: the deletion of the lock it looked from says that the next was answered', async (t) => {
  const world = await World.create()
  const a = world.client()
  await a.begin('A', world.channel())
  await a.post(lock('A2'), world.channel())
  await a.delete(lock('A'), world.channel())
  const last = world.channel()
  await a.post(snapshot('A'), last)
  await a.delete(lock('A2'), last)
  t.is(world.fence.livingWriters().length, 0)
})

test('a delayed copy of a request for the config is no work: who waits for its lock has not ended', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.open(chA)
  await a.post(lock('A'), chA)
  await a.list('locks', chA)
  await a.list('keys', chA)
  a.read('config' as ObjectName, world.channel())
  await a.delete(lock('A'), chA)
  t.true(world.fence.livingWriters().some((writer) => writer.id === a.id))
})

test('who waits for its lock and lost its connection has not exited, and may be on the next', async (t) => {
  const world = await World.create()
  const [w, other] = [world.client(), world.client()]
  const [chW, chOther] = [world.channel(), world.channel()]
  await other.begin('B', chOther)
  await w.open(chW)
  for (let lists = 0; lists < 3; lists += 1) {
    await w.list('locks', chW)
    world.pass(20 * seconds)
  }
  world.fence.closed(chW.id, true)
  world.pass(61 * seconds)
  await world.fence.tick()
  t.is(world.fence.livingWriters().length, 2, 'it asks again every minute')
  const next = world.channel()
  await w.list('locks', next)
  t.is(await w.post(lock('W'), next), 'ok')
  t.deepEqual(
    [...possiblePosters(world.fence.state, lock('W'))].sort(),
    [w.id, other.id].sort(),
    'it is among those who may have posted it',
  )
  await w.list('locks', next)
  await w.delete(lock('W'), next)
  world.fence.closed(next.id, true)
  world.pass(3 * minutes)
  await world.fence.tick()
  t.false(world.fence.livingWriters().some(({ id }) => id === w.id))
})
