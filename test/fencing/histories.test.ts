/** The histories that broke earlier wordings of the fencing rule, each under the name it has in the design notes. */
import test from 'ava'
import { World, data, index, lock, minutes, seconds, snapshot, toldOf } from './world.js'

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
  await p.begin('exclusive', chP)
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
  t.is(await p.delete(index('old'), world.channel()), 'knock', 'B may be a repair of packs')
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

test('an unlock on two connections: taken for the owner of one lock, it may delete the next', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [a, p, u] = [world.client(), world.client(), world.client()]
  const [chA, chP, chU] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  await u.open(chU)
  await u.list('locks', chU)
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
  await u.list('locks', chU)
  const second = world.channel()
  t.is(await u.delete(lock('P'), second), 'ok')
  t.is(await u.delete(lock('A'), second), 'ok')
  const unknown = world.channel()
  await a.delete(lock('A'), unknown)
  t.is(await a.post(snapshot('A'), chA), 'ok')
  t.not(await a.post(index('A'), unknown), 'ok', 'nobody knows whose this connection is')
  t.is(await p.delete(index('old'), chP), 'conflict')
})

test('an unlock on two connections: nor may the lock without an owner be that one of its where others alone may have posted it', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [c, d, a, p, u] = Array.from({ length: 5 }, () => world.client())
  if (!c || !d || !a || !p || !u) return t.fail()
  await c.open(world.channel())
  await d.open(world.channel())
  await c.post(lock('C'), world.channel())
  await a.begin('A', world.channel())
  const chP = world.channel()
  await p.begin('P', chP)
  await p.delete(index('old'), chP)
  const chU = world.channel()
  await u.open(chU)
  await u.list('locks', chU)
  const second = world.channel()
  t.is(await u.delete(lock('A'), second), 'ok')
  t.is(await u.delete(lock('C'), second), 'ok', 'A is stale, and this is not A')
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

test('tried names: the name in a deletion does not say whose channel it came on', async (t) => {
  const world = await World.create({ standing: [data('X'), index('old')] })
  const [u, p] = [world.client(), world.client()]
  const [chU, chP] = [world.channel(), world.channel()]
  await u.begin('RU', chU)
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
  t.is(toldOf((await world.fence.upload(upload, late)).decision), 'ok')
  const author = world.fence.state.commits.get(snapshot('late'))?.author
  t.is(author?.kind, 'unknown', 'either may have sent it')
  const gone = { object: snapshot('old'), isPresent: true }
  const { decision } = await world.fence.delete(deletion, gone)
  t.is(toldOf(decision), 'ok')
  t.like(decision.events[0], { kind: 'deleted', author: { kind: 'unknown' } })
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
