/** The histories that broke earlier wordings of the fencing rule, each under the name it has in the design notes. */
import test from 'ava'
import type { ObjectName } from '../../fencing/object.js'
import type { Channel } from '../../fencing/presence.js'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import {
  World,
  data,
  index,
  lock,
  minutes,
  seconds,
  snapshot,
  toldOf,
  type SimulatedClient,
  type Told,
} from './world.js'

const config = 'config' as ObjectName

interface Migration {
  readonly client: SimulatedClient
  readonly channel: Channel
  readonly told: Told
}

test('wrong author: an index on an unknown channel is not credited to the prune that is the likeliest', async (t) => {
  const world = await World.create()
  const [a, u, p] = [world.client(), world.client(), world.client()]
  const [chA, chU, chP] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  t.is(await a.post(data('X'), chA), 'ok')
  await u.open(chU)
  await u.delete(lock('A'), chU)
  await p.begin('P', chP)
  t.is(await a.post(index('X'), world.channel()), 'knock')
  await p.list('data', chP)
  t.is(await p.delete(data('X'), chP), 'ok')
  t.is(await a.post(index('X'), chA), 'stale')
  t.false(world.disk.has(index('X')))
})

test('wrong author: committed as unknown, it is another writer to the prune', async (t) => {
  const world = await World.create()
  const [a, p] = [world.client(), world.client()]
  const [chA, chP] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(data('X'), chA)
  await p.begin('P', chP)
  t.is(await a.post(index('X'), world.channel()), 'ok')
  await p.list('data', chP)
  t.is(await p.delete(data('X'), chP), 'conflict')
  t.true(world.disk.has(data('X')))
})

test('mirror of it: a deletion on an unknown channel is not credited to a younger backup', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  await b.begin('B', chB)
  await b.post(data('Y'), chB)
  t.is(await b.post(index('Y'), chB), 'ok')
  t.is(await p.delete(index('old'), world.channel()), 'knock')
  t.true(world.disk.has(index('old')))
  t.is(await p.delete(index('old'), chP), 'conflict')
})

test('recorded, not renamed: a view lies before commits that are not yet published', async (t) => {
  const world = await World.create()
  const [a, p] = [world.client(), world.client()]
  const [chA, chP] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(data('X'), chA)
  world.holdsBack = 'committed'
  await a.post(index('X'), chA)
  await p.open(chP)
  world.holdsBack = undefined
  await p.post(lock('P'), chP)
  t.deepEqual(await p.list('index', chP), [])
  t.deepEqual(await p.list('data', chP), [data('X')])
  await world.carryOutHeldBack()
  t.is(await p.delete(data('X'), chP), 'conflict')
})

test('opened during a deletion: who opens while a deletion is under way is not overtaken by it', async (t) => {
  const world = await World.create({ standing: [index('old'), data('O')] })
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  world.holdsBack = 'deleted'
  t.is(await p.delete(index('old'), chP), 'ok')
  await b.begin('B', chB)
  t.deepEqual(await b.list('index', chB), [], 'listings omit what the journal has deleted')
  await world.carryOutHeldBack()
  await b.post(data('Y'), chB)
  t.is(await b.post(index('Y'), chB), 'ok')
})

test('laundering by refresh: after the look no lock moves the view', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, other, b] = [world.client(), world.client(), world.client()]
  const [chP, chO, chB] = [world.channel(), world.channel(), world.channel()]
  await other.open(chO)
  await p.begin('L0', chP)
  await p.post(index('new'), chP)
  await p.post(lock('L1'), world.channel())
  await p.delete(lock('L0'), chP)
  world.pass(31 * minutes)
  await b.begin('B', chB)
  t.is(await b.post(snapshot('B'), chB), 'ok')
  t.is(await p.post(lock('L2'), chP), 'ok')
  t.is(await p.delete(index('old'), chP), 'conflict')
})

test('late retraction: what was surely answered is not taken back', async (t) => {
  const world = await World.create()
  const [p, r] = [world.client(), world.client()]
  const [chP, chR] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  await r.begin('R', chR)
  t.is(await r.post(index('N'), chR), 'ok')
  r.ping(chR)
  if (p.id !== undefined) await world.fence.endWriter(p.id)
  const told = await p.delete(index('N'), world.channel())
  t.false(
    told === 'ok' && world.disk.has(index('N')),
    'success for a deletion that did nothing',
  )
})

test('late retraction: a restart does not forget what was surely answered', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const r = world.client()
  const chR = world.channel()
  await r.begin('R', chR)
  await r.post(index('N'), chR)
  await r.post(index('newer'), chR)
  await r.delete(index('old'), chR)
  await world.restart()
  t.is(await r.delete(index('N'), world.channel()), 'ok')
  t.false(world.disk.has(index('N')), 'its own answered index is really deleted')
  t.is(world.generation, 2)
})

test('roaming: an address where only another writer is known excludes nobody', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const a = world.client({ address: '192.0.2.1' })
  const p = world.client({ address: '192.0.2.3' })
  const b = world.client({ address: '192.0.2.2' })
  const roaming = world.client({ address: '192.0.2.2' })
  const [chA, chP, chB] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  await p.delete(lock('P'), chP)
  await b.begin('B', chB)
  t.is(await roaming.post(index('A'), world.channel()), 'knock')
})

test('upgrade during a backup: positions of packs survive restarts', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.begin('A', chA)
  await a.post(data('X'), chA, { isLost: true })
  await world.restart()
  t.is(await a.delete(data('X'), world.channel()), 'ok')
  t.true(world.disk.has(data('X')))
  t.is(world.generation, 1)
})

test('half-open line: an answer is given when a further request came on its own connection', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.begin('A', chA)
  await a.post(index('X'), chA, { isLost: true })
  t.is(await a.delete(index('X'), world.channel()), 'ok')
  t.true(world.disk.has(index('X')))
  t.is(world.generation, 1)
})

test('late copy of a retraction: what was posted once more is never deleted by a late DELETE', async (t) => {
  const world = await World.create()
  const a = world.client()
  const [chA, next] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  t.is(await a.post(index('N'), chA, { isLost: true }), 'ok')
  // Its DELETE hangs in the network meanwhile.
  t.is(await a.post(index('N'), next), 'ok')
  t.is(await a.post(data('more'), next), 'ok')
  t.is(await a.delete(index('N'), chA), 'ok')
  t.true(world.disk.has(index('N')))
  t.is(await a.post(snapshot('A'), next), 'ok')
  t.is(world.generation, 1)
})

test('late copy of a retraction: a lock that was posted once more proves no ending', async (t) => {
  const world = await World.create()
  const a = world.client()
  const [chA, next] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(lock('L1'), chA, { isLost: true })
  await a.delete(lock('A'), next)
  await a.post(lock('L1'), next)
  await a.post(data('more'), next)
  await a.delete(lock('L1'), chA)
  t.is(world.fence.livingWriters().length, 1)
})

test('late copy of a retraction: nor does one that was taken back and posted anew', async (t) => {
  const world = await World.create()
  const a = world.client()
  const [chA, next] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(lock('L1'), chA, { isLost: true })
  await a.delete(lock('L1'), next)
  await a.post(lock('L1'), next)
  await a.delete(lock('A'), next)
  await a.post(data('more'), next)
  await a.delete(lock('L1'), chA)
  t.is(world.fence.livingWriters().length, 1)
})

test('late copy of a retraction: nor does a DELETE that hung on a channel of its own while the lock was posted anew', async (t) => {
  const world = await World.create()
  const a = world.client()
  const [chA, next] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  // The first POST of L1 never arrives, and the DELETE that follows on it hangs on chA.
  await a.post(lock('L1'), next)
  await a.delete(lock('A'), next)
  await a.post(data('more'), next)
  await a.delete(lock('L1'), chA)
  t.is(world.fence.livingWriters().length, 1)
})

test('late copy of an upload: it is that of the run that has ended, not of the only candidate', async (t) => {
  const world = await World.create()
  const [a, p, b] = [world.client(), world.client(), world.client()]
  const [chA, chP, chB] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(data('X'), chA)
  t.is(await a.post(index('X'), chA), 'ok')
  t.is(await a.delete(lock('A'), chA), 'ok')
  await p.begin('P', chP)
  t.is(await p.delete(index('X'), chP), 'ok')
  t.is(await p.delete(data('X'), chP), 'ok')
  t.is(await p.delete(lock('P'), chP), 'ok')
  await b.begin('B', chB)
  t.is(world.fence.livingWriters().length, 1)
  t.is(await a.post(index('X'), world.channel()), 'stale')
  t.false(world.disk.has(index('X')), 'it names a pack that is gone')
})

test('late copy of an upload: a restart does not forget whose it is', async (t) => {
  const world = await World.create()
  const [a, p, b] = [world.client(), world.client(), world.client()]
  const [chA, chP] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(data('X'), chA)
  t.is(await a.post(index('X'), chA), 'ok')
  t.is(await a.post(snapshot('X'), chA), 'ok')
  t.is(await a.delete(lock('A'), chA), 'ok')
  await p.begin('P', chP)
  t.is(await p.delete(snapshot('X'), chP), 'ok')
  t.is(await p.delete(index('X'), chP), 'ok')
  t.is(await p.delete(data('X'), chP), 'ok')
  t.is(await p.delete(lock('P'), chP), 'ok')
  await world.restart()
  await b.begin('B', world.channel())
  t.is(world.fence.livingWriters().length, 1)
  t.is(await a.post(index('X'), world.channel()), 'stale')
  t.is(await a.post(snapshot('X'), world.channel()), 'stale')
  t.false(world.disk.has(index('X')), 'it names a pack that is gone')
  await a.post(lock('A'), world.channel())
  t.is(world.fence.state.locks.get(lock('A')), undefined, 'nor is its lock another run')
})

test('late copy of a retraction: a backup never deletes its own index, whatever the journal knows', async (t) => {
  const world = await World.create()
  const a = world.client()
  const [chA, next] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  // The first try never arrived, and the DELETE that follows on it comes when the second is answered.
  await a.post(index('N'), chA)
  await a.post(snapshot('A'), chA)
  a.ping(chA)
  t.is(await a.delete(index('N'), next), 'knock')
  t.is(await a.delete(snapshot('A'), next), 'knock')
  t.true(world.disk.has(index('N')) && world.disk.has(snapshot('A')))
  t.is(await a.post(snapshot('more'), chA), 'ok', 'nothing is broken by it')
})

test('late copy of a retraction: a prune deletes its own index only once it has written a newer one', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const p = world.client()
  const ch = world.channel()
  await p.begin('P', ch)
  t.is(await p.delete(index('old'), ch), 'ok')
  await p.post(index('N'), ch)
  p.ping(ch)
  t.is(await p.delete(index('N'), ch), 'knock')
  t.true(world.disk.has(index('N')))
  await p.post(index('newer'), ch)
  p.ping(ch)
  t.is(await p.delete(index('N'), ch), 'ok')
  t.false(world.disk.has(index('N')))
})

test('late copy of a retraction: a run that has ended may send it, not only the only candidate', async (t) => {
  const world = await World.create({ standing: [snapshot('old')] })
  const [f, a] = [world.client(), world.client()]
  const [chF, chA] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(data('A'), chA, { isLost: true })
  await a.post(data('A'), chA)
  await f.begin('F', chF)
  await a.post(snapshot('A'), chA, { isLost: true })
  await a.post(snapshot('A'), chA)
  a.ping(chA)
  await a.delete(lock('A'), chA)
  t.is(world.fence.livingWriters().length, 1)
  t.is(await a.delete(snapshot('A'), world.channel()), 'knock')
  t.is(await a.delete(data('A'), world.channel()), 'knock')
  t.is(await f.delete(snapshot('old'), world.channel()), 'ok', 'others are deleted as before')
})

test('late copy of a retraction: a DELETE of a lock that was never there tells of a failed try', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.begin('A', chA)
  await a.delete(lock('L1'), chA)
  await a.post(lock('L1'), chA)
  await a.delete(lock('A'), chA)
  await a.delete(lock('L1'), chA)
  t.is(world.fence.livingWriters().length, 1)
})

test('one name for all: a config that is written anew is not that of whoever wrote it before', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await a.post(config, chA)
  await b.begin('B', chB)
  await b.delete(config, chB)
  await b.post(config, chB)
  t.deepEqual(world.fence.state.unanswered.get(config)?.author, {
    kind: 'writer',
    writer: b.id,
  })
})

/** A migration on a channel of its own: the config goes and comes back. Its lock stays. */
async function migrate(world: World, label: string): Promise<Migration> {
  const client = world.client()
  const channel = world.channel()
  await client.begin(label, channel)
  const told = await client.delete(config, channel)
  await client.post(config, channel)
  return { client, channel, told }
}

test('late copy of a migration: the DELETE of a config is not that of the only other run at work', async (t) => {
  const world = await World.create({ standing: [config] })
  const other = world.client()
  const { client, channel, told } = await migrate(world, 'M')
  t.is(told, 'ok')
  await client.delete(lock('M'), channel)
  await other.open(world.channel())
  t.is(world.fence.livingWriters().length, 1)
  const late = world.channel()
  t.is(await client.delete(config, late), 'knock')
  const later: Told[] = []
  for (let minute = 0; minute < 8; minute += 1) {
    world.pass(1 * minutes)
    later.push(await client.delete(config, late))
  }
  t.deepEqual(later, [...Array<Told>(7).fill('knock'), 'ambiguous'])
  t.true(world.disk.has(config))
})

test('late copy of a migration: a restart and a base do not forget that the config was deleted before', async (t) => {
  const world = await World.create({ standing: [config] })
  const { client, channel } = await migrate(world, 'M')
  await client.delete(lock('M'), channel)
  await world.fence.seal(memoryArchives())
  await world.restart()
  t.not(await world.journal.base(world.fence.repository), undefined)
  await world.client().open(world.channel())
  t.is(await client.delete(config, world.channel()), 'knock')
  t.true(world.disk.has(config))
})

test('late copy of a migration: its own run does not delete twice', async (t) => {
  const world = await World.create({ standing: [config] })
  const { client, channel } = await migrate(world, 'M')
  client.ping(channel)
  t.is(await client.delete(config, channel), 'knock')
  t.is(await client.delete(config, world.channel()), 'knock')
  t.true(world.disk.has(config))
})

test('late copy of a migration: one that begins later on its own channel goes on as the first did', async (t) => {
  const world = await World.create({ standing: [config] })
  const { client, channel } = await migrate(world, 'M')
  await client.delete(lock('M'), channel)
  t.is((await migrate(world, 'M2')).told, 'ok')
})

test('an unlock on two connections: taken for the owner of one lock, it may delete the next', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [a, p, u] = [world.client(), world.client(), world.client()]
  const [chA, chP, chU] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  await u.open(chU)
  const second = world.channel()
  t.is(await u.delete(lock('A'), second), 'ok')
  t.is(await u.delete(lock('P'), second), 'ok', 'A is stale, and this is not A')
})

test('an unlock on two connections: the lock without an owner that it deletes next is not that one of its either', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, a, u] = [world.client(), world.client(), world.client()]
  const [chP, chA, chU] = [world.channel(), world.channel(), world.channel()]
  await p.begin('P', chP)
  await a.open(chA)
  await a.post(lock('A'), world.channel())
  await a.look(chA)
  await u.open(chU)
  const second = world.channel()
  t.is(await u.delete(lock('P'), second), 'ok')
  t.is(await u.delete(lock('A'), second), 'ok')
  const unknown = world.channel()
  await a.delete(lock('A'), unknown)
  t.is(await a.post(snapshot('A'), chA), 'ok')
  t.not(await a.post(index('A'), unknown), 'ok', 'nobody knows whose this connection is')
  t.is(await p.delete(index('old'), chP), 'conflict')
})

test('half-open line: handed to the system is not answered either', async (t) => {
  const world = await World.create()
  const a = world.client()
  const chA = world.channel()
  await a.begin('A', chA)
  await a.post(index('X'), chA)
  t.is(await a.delete(index('X'), world.channel()), 'ok')
  t.true(world.disk.has(index('X')))
})

test('dead writers: those that never looked do not make an unknown channel ambiguous', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [unlock, refused, p, b] = [
    world.client(),
    world.client(),
    world.client(),
    world.client(),
  ]
  const [chU, chK, chP, chB] = Array.from({ length: 4 }, () => world.channel())
  if (!chU || !chK || !chP || !chB) return t.fail()
  await unlock.open(chU)
  await unlock.list('locks', chU)
  await refused.open(chK)
  await refused.post(lock('K'), chK)
  await refused.delete(lock('K'), chK)
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  await p.delete(lock('P'), chP)
  await b.begin('B', chB)
  world.pass(100 * seconds)
  t.is(await b.post(index('B'), world.channel()), 'ok')
})

test('dead writers: a backup beside a killed one is knocked until its lock refresh binds a channel', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [dead, p, b] = [world.client(), world.client(), world.client()]
  const [chD, chP, chB] = [world.channel(), world.channel(), world.channel()]
  await dead.begin('D', chD)
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  await p.delete(lock('P'), chP)
  await b.begin('B', chB)
  world.pass(100 * seconds)
  for (let tries = 0; tries < 20; tries += 1) {
    t.is(await b.post(index('B'), world.channel()), 'knock', 'patience is time, not tries')
  }
  world.pass(90 * seconds)
  const refresh = world.channel()
  await b.post(lock('B2'), refresh)
  await b.delete(lock('B'), refresh)
  t.is(await b.post(index('B'), refresh), 'ok')
})

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
  await p.post(lock('L1'), chP)
  await u.open(chU)
  await u.delete(lock('L1'), chU)
  await p.delete(lock('L0'), chP)
  t.true(world.fence.livingWriters().some((writer) => writer.id === p.id))
  await u.look(chU)
  t.is(await u.post(snapshot('U'), chU), 'ok')
  t.is(await p.delete(index('old'), world.channel()), 'knock')
  t.is(await p.delete(index('old'), chP), 'conflict')
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
  await u.open(world.channel())
  const line = world.channel()
  await u.list('snapshots', line)
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

test('tried names: the name in a deletion does not say whose channel it came on', async (t) => {
  const world = await World.create({ standing: [data('X'), index('old')] })
  const [u, p] = [world.client(), world.client()]
  const [chU, chP] = [world.channel(), world.channel()]
  await u.open(chU)
  await u.look(chU)
  await p.begin('P', chP)
  const ch2 = world.channel()
  t.is(await u.delete(data('X'), ch2), 'knock')
  t.is(await p.delete(data('X'), chP), 'ok')
  t.not(await u.post(index('U'), ch2), 'ok')
})

test('own index, author unknown: the deletion that takes it back is put off and breaks nothing', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('B', chB)
  t.is(await a.post(index('A'), world.channel(), { isLost: true }), 'ok')
  t.is(await a.delete(index('A'), chA), 'knock')
  t.true(world.disk.has(index('A')))
  t.is(await a.post(index('A'), chA), 'ok', 'rule 9: the same bytes again')
  t.is(await a.post(snapshot('A'), chA), 'ok', 'its maintenance is not broken')
})

test('born in the middle: who looks between two deletions of one prune is overtaken by the second', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  t.is(await p.delete(index('1'), chP), 'ok')
  await b.begin('B', chB)
  t.is(await p.delete(index('2'), chP), 'ok')
  t.is(await b.post(snapshot('B'), chB), 'stale')
  t.is(world.generation, 2)
})

test('born in the middle: or it commits first, and the prune is refused', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  t.is(await p.delete(index('1'), chP), 'ok')
  await b.begin('B', chB)
  t.is(await b.post(snapshot('B'), chB), 'ok')
  t.is(await p.delete(index('2'), chP), 'conflict')
})

test('two exclusive holders: at worst both are refused', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const [p1, p2] = [world.client(), world.client()]
  const [ch1, ch2] = [world.channel(), world.channel()]
  await p1.begin('P1', ch1)
  await p1.post(index('new1'), ch1)
  world.pass(31 * minutes)
  await p2.open(ch2)
  t.deepEqual(await p2.list('locks', ch2), [], 'an expired lock is hidden from others')
  t.deepEqual(await p1.list('locks', ch1), [lock('P1')], 'and not from its owner')
  await p2.post(lock('P2'), ch2)
  await p2.look(ch2)
  t.is(await p2.delete(index('1'), ch2), 'ok')
  t.is(await p1.delete(index('2'), ch1), 'stale')
})

test('held meanwhile: what came before a run ended is not that of the only run that is left', async (t) => {
  const world = await World.create({ standing: [snapshot('old')] })
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('B', chB)
  const held = ['upload', 'deletion'].map(() => {
    const caller = world.fence.caller(world.channel(), { client: { address: '127.0.0.1' } })
    world.fence.arrive(caller)
    return caller
  })
  await a.post(data('X'), chA)
  await a.delete(lock('A'), chA)
  t.is(world.fence.livingWriters().length, 1)
  const [upload, deletion] = held
  if (upload === undefined || deletion === undefined) return t.fail()
  const late = { object: snapshot('late'), size: 100, staged: '1', present: 'absent' } as const
  t.is(toldOf((await world.fence.upload(upload, late)).decision), 'knock')
  const gone = { object: snapshot('old'), isPresent: true }
  t.is(toldOf((await world.fence.delete(deletion, gone)).decision), 'knock')
  t.is(await b.delete(snapshot('old'), world.channel()), 'ok')
})

test('decided late: a request whose channel has closed meanwhile is still that of its channel', async (t) => {
  const world = await World.create({ standing: [index('old'), index('older')] })
  const [sleeper, p] = [world.client(), world.client()]
  await sleeper.begin('S', world.channel())
  const chP = world.channel()
  world.pass(1 * seconds)
  await p.begin('P', chP)
  t.is(await p.delete(index('old'), chP), 'ok')
  world.fence.closed(chP.id, true)
  t.is(await p.delete(index('older'), chP), 'ok')
  t.is(world.generation, 2)
})
