/** Each rule of the fencing design, by its number. */
import test from 'ava'
import {
  World,
  data,
  days,
  index,
  key,
  lock,
  minutes,
  seconds,
  snapshot,
  toldOf,
  type SimulatedClient,
} from './world.js'
import { posterOf } from '../../fencing/state/repository-state.js'
import type { Channel } from '../../fencing/evidence/presence.js'

/** Another process prunes: the generation rises, and everybody who looked before is overtaken. */
async function prune(world: World, what = index('old')): Promise<void> {
  world.disk.add(what)
  const p = world.client()
  const channel = world.channel()
  const label = `prune ${world.generation}`
  await p.begin(label, channel)
  await p.list('data', channel)
  await p.delete(what, channel)
  await p.delete(lock(label), channel)
}

async function begun(world: World, label: string): Promise<[SimulatedClient, Channel]> {
  const client = world.client()
  const channel = world.channel()
  await client.begin(label, channel)
  return [client, channel]
}

test('rule 1: a lock that is posted before the look takes the view again', async (t) => {
  const world = await World.create()
  const patient = world.client()
  const channel = world.channel()
  await patient.open(channel)
  await prune(world)
  await patient.post(lock('patient'), channel)
  await patient.look(channel)
  t.is(await patient.post(snapshot('patient'), channel), 'ok')
})

test('rule 1: an opening alone is overtaken like any other view', async (t) => {
  const world = await World.create()
  const quick = world.client()
  const channel = world.channel()
  await quick.open(channel)
  await prune(world)
  await quick.look(channel)
  t.is(await quick.post(snapshot('quick'), channel), 'stale')
})

test('rule 1: the opening alone has its view before commits that are not yet published', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await a.post(data('X'), chA)
  world.holdsBack = 'committed'
  await a.post(index('X'), chA)
  const [p, chP] = [world.client(), world.channel()]
  await p.open(chP)
  t.deepEqual(await p.list('index', chP), [])
  t.deepEqual(await p.list('data', chP), [data('X')])
  await world.carryOutHeldBack()
  t.is(await p.delete(data('X'), chP), 'conflict')
})

test('rule 1: for staleness the view is the head, whatever is not yet published', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [a, chA] = await begun(world, 'A')
  const [p, chP] = await begun(world, 'P')
  world.holdsBack = 'committed'
  await a.post(data('X'), chA)
  t.is(await p.delete(index('old'), chP), 'ok')
  const [b, chB] = [world.client(), world.channel()]
  await b.open(chB)
  await b.look(chB)
  await world.carryOutHeldBack()
  t.is(await b.post(snapshot('B'), chB), 'ok', 'the deletion was before its opening')
})

test('rule 3: a commit that was published before the view is no conflict', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [a, chA] = await begun(world, 'A')
  const [p, chP] = [world.client(), world.channel()]
  await a.post(index('A'), chA)
  await p.open(chP)
  await p.look(chP)
  t.is(await p.delete(index('old'), chP), 'ok')
})

test('rule 1: a lock on an unknown channel with two possible owners moves no view', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.open(chA)
  await b.open(chB)
  await prune(world)
  t.is(await a.post(lock('A'), world.channel()), 'ok')
  await a.look(chA)
  t.is(await a.post(snapshot('A'), chA), 'stale')
})

test('rule 2: a refresh binds an unknown channel to the writer whose old lock it deletes', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A0')
  await begun(world, 'B0')
  await prune(world)
  const fresh = world.channel()
  t.is(await a.post(data('pack'), chA), 'stale')
  t.false(world.disk.has(lock('A0')), 'its locks leave the repository with it')
  t.is(await a.delete(lock('A0'), fresh), 'ok')
  t.is(await a.post(index('A'), fresh), 'stale', 'now known, and so refused at once')
})

test('rule 2: a refresh gives its writer the lock that was posted just before on the channel', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A0')
  await begun(world, 'B0')
  const fresh = world.channel()
  await a.post(lock('A1'), fresh)
  t.is(posterOf(world.fence.state, lock('A1')), undefined)
  await a.delete(lock('A0'), fresh)
  t.is(posterOf(world.fence.state, lock('A1')), a.id)
})

test('rule 2: a lock without an owner is that of the writer that deletes it on its own channel', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await begun(world, 'P')
  const unknown = world.channel()
  await a.post(lock('A1'), unknown)
  a.ping(unknown)
  await a.delete(lock('A'), chA)
  t.true(
    world.fence.livingWriters().some(({ id }) => id === a.id),
    'A1 may be its',
  )
  await a.delete(lock('A1'), chA)
  t.false(
    world.fence.livingWriters().some(({ id }) => id === a.id),
    'it was, and so it ends',
  )
})

test('rule 3: what nobody knows the author of is by another writer, also to the likeliest', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, chP] = await begun(world, 'exclusive')
  const [a] = await begun(world, 'A')
  t.is(await a.post(index('A'), world.channel()), 'ok')
  await p.list('data', chP)
  t.is(await p.delete(index('old'), chP), 'conflict')
})

test('rule 3: a maintenance raises the generation by one, however much it deletes', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2'), data('3')] })
  const [p, channel] = await begun(world, 'P')
  for (const object of [data('3'), index('1')]) t.is(await p.delete(object, channel), 'ok')
  await p.delete(lock('P'), channel)
  await p.post(lock('P2'), channel)
  t.is(await p.delete(index('2'), channel), 'ok')
  t.is(world.generation, 2)
})

test('rule 3: a deletion is refused once another writer has committed since the view', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const [b, chB] = await begun(world, 'B')
  const [p, chP] = await begun(world, 'P')
  t.is(await p.delete(index('1'), chP), 'ok')
  t.is(await b.post(snapshot('B'), chB), 'stale')
  const [c, chC] = await begun(world, 'C')
  t.is(await c.post(snapshot('C'), chC), 'ok')
  t.is(
    await p.delete(index('2'), chP),
    'conflict',
    'each deletion is checked, not only the first',
  )
})

test('rule 3: a maintenance that was refused once can change nothing more', async (t) => {
  const world = await World.create({ standing: [index('1'), data('2'), snapshot('3')] })
  const [p, chP] = await begun(world, 'P')
  const [b, chB] = await begun(world, 'B')
  t.is(await b.post(index('B'), chB), 'ok')
  t.is(await p.delete(data('2'), chP), 'conflict')
  t.is(await p.post(index('new'), chP), 'conflict')
  t.is(await p.post(data('repacked'), chP), 'conflict')
  t.is(await p.delete(snapshot('3'), chP), 'conflict')
  t.false(world.disk.has(lock('P')), 'and its lock is gone')
  t.is(world.generation, 1)
})

test('rule 4: only deletions of indexes and packs by others overtake', async (t) => {
  const world = await World.create({ standing: [snapshot('old'), key('old'), index('own')] })
  const [a, chA] = await begun(world, 'A')
  const [f, chF] = await begun(world, 'F')
  t.is(await f.delete(snapshot('old'), chF), 'ok')
  t.is(await f.delete(key('old'), chF), 'ok')
  t.is(await a.post(index('A'), chA), 'ok')
  t.is(await f.delete(lock('F'), chF), 'ok')
  t.is(world.generation, 1)
  t.is(await a.delete(index('own'), chA), 'ok')
  t.is(await a.post(snapshot('A'), chA), 'ok', 'its own maintenance does not overtake it')
})

test('rule 5: whatever a stale writer uploads is quarantined, and its deletions are refused', async (t) => {
  const world = await World.create({ standing: [index('1'), snapshot('2'), lock('foreign')] })
  const [a, chA] = await begun(world, 'A')
  await prune(world)
  const uploads = [data('p'), index('i'), snapshot('s'), key('k'), lock('l')]
  for (const object of uploads) {
    t.is(await a.post(object, chA), 'stale', object)
    t.false(world.disk.has(object))
    t.true(world.fence.state.openItems.has(object), 'an item stands for it')
  }
  for (const object of [index('1'), snapshot('2'), lock('foreign')]) {
    t.is(await a.delete(object, chA), 'stale', object)
    t.true(world.disk.has(object))
  }
  t.is(await a.delete(lock('A'), chA), 'ok', 'the deletion of its own lock always succeeds')
})

test('rule 6: an expired lock is hidden from others, shown to its owner and gone with its fencing', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  const [b, chB] = await begun(world, 'B')
  world.pass(29 * minutes)
  await b.post(lock('B1'), chB)
  t.true((await b.list('locks', chB)).includes(lock('A')))
  world.pass(2 * minutes)
  t.false((await b.list('locks', chB)).includes(lock('A')))
  t.true((await a.list('locks', chA)).includes(lock('A')))
  t.is(await a.post(snapshot('A'), chA), 'ok', 'who was not overtaken just goes on')
})

test('rule 6: a restart gives every lock its whole time again', async (t) => {
  const world = await World.create()
  await begun(world, 'A')
  world.pass(31 * minutes)
  await world.restart()
  const [b, chB] = await begun(world, 'B')
  t.true((await b.list('locks', chB)).includes(lock('A')))
})

test('rule 6: the locks of a writer that has ended are deleted', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  if (a.id !== undefined) await world.carryOut(await world.fence.endWriter(a.id))
  t.false(world.disk.has(lock('A')))
})

test('rule 7: a lock that was removed, a cut line and a sleep disturb nobody', async (t) => {
  const world = await World.create({ standing: [snapshot('old')] })
  const [a, chA] = await begun(world, 'A')
  await a.post(data('X'), chA)
  const [u, chU] = [world.client(), world.channel()]
  await u.open(chU)
  await u.delete(lock('A'), chU)
  world.fence.closed(chU.id, true)
  const [f, chF] = await begun(world, 'F')
  t.is(await f.delete(snapshot('old'), chF), 'ok')
  f.ping(chF)
  await f.delete(lock('F'), chF)
  world.fence.closed(chA.id, true)
  world.pass(5 * 60 * minutes)
  t.is(await a.post(index('X'), world.channel()), 'ok')
})

test("rule 8: a pack published after its deleter's view is taken back without effect", async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await a.post(data('X'), chA, { isLost: true })
  t.is(await a.delete(data('X'), chA), 'ok')
  t.true(world.disk.has(data('X')))
  t.is(await a.post(data('X'), chA), 'ok')
  t.is(world.generation, 1)
})

test('rule 8: an own index that was answered is really deleted later', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, channel] = await begun(world, 'P')
  t.is(await p.post(index('intermediate'), channel), 'ok')
  t.is(await p.post(index('new'), channel), 'ok')
  t.is(await p.delete(index('old'), channel), 'ok')
  t.is(await p.delete(index('intermediate'), channel), 'ok')
  t.false(world.disk.has(index('intermediate')))
  t.is(world.generation, 2)
})

test('rule 8: the deletion after a refused upload finds nothing to delete', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await prune(world)
  t.is(await a.post(index('A'), chA), 'stale')
  t.is(await a.delete(index('A'), chA), 'ok')
  t.is(world.fence.state.items.size, 1)
})

test('rule 9: the same bytes again succeed for anyone, a stale writer too', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  t.is(await a.post(index('A'), chA, { isLost: true }), 'ok')
  await prune(world)
  t.is(await a.post(index('A'), world.channel()), 'ok')
})

test('rule 9: other bytes under a name that is there are refused, whoever sends them', async (t) => {
  const world = await World.create()
  const [, channel] = await begun(world, 'A')
  const caller = world.fence.caller(channel, { client: { address: '127.0.0.1' } })
  const upload = { object: index('A'), size: 1, staged: 's', present: 'different' } as const
  const { decision, recorded } = await world.fence.upload(caller, upload)
  t.is(toldOf(decision), 'exists')
  t.deepEqual(recorded, [])
})

test('candidates: who was born after a channel was opened is not its sender', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  const unknown = world.channel()
  world.pass(1 * seconds)
  await begun(world, 'B')
  t.is(await a.post(index('A'), unknown), 'ok')
  const author = world.fence.state.commits.get(index('A'))?.author
  t.deepEqual(author, { kind: 'writer', writer: a.id })
})

test('no candidate at all: a run that the gateway did not see begin is fenced', async (t) => {
  const world = await World.create({ standing: [snapshot('old')] })
  const stranger = world.client()
  const channel = world.channel()
  t.is(await stranger.post(data('X'), channel), 'ok', 'a pack is harmless')
  t.is(await stranger.post(index('X'), channel), 'unseen')
  t.is(await stranger.delete(snapshot('old'), channel), 'unseen')
})

test('all candidates stale: an unknown channel is fenced at once', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  const [b] = await begun(world, 'B')
  await prune(world)
  t.is(await a.post(data('X'), world.channel()), 'stale')
  t.is(await b.post(index('X'), world.channel()), 'stale')
})

test('patience: it ends after eight minutes of tries, in quarantine where one candidate is stale', async (t) => {
  const world = await World.create()
  await begun(world, 'sleeper')
  await prune(world)
  const [b] = await begun(world, 'B')
  for (let waited = 0; waited < 8; waited += 1) {
    t.is(await b.post(index('B'), world.channel()), 'knock')
    world.pass(1 * minutes)
  }
  t.is(await b.post(index('B'), world.channel()), 'ambiguous')
  const [item] = world.fence.state.items.values()
  t.is(item?.state, 'quarantined')
  t.is(item?.tries, 9)
})

test('patience: two minutes without a try start it again', async (t) => {
  const world = await World.create()
  await begun(world, 'sleeper')
  await prune(world)
  const [b] = await begun(world, 'B')
  t.is(await b.post(index('B'), world.channel()), 'knock')
  world.pass(60 * minutes)
  t.is(await b.post(index('B'), world.channel()), 'knock')
})

test('patience: beside a maintenance current candidates end in a commit, a deletion in a refusal', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  await begun(world, 'P')
  const [b] = await begun(world, 'R')
  for (let waited = 0; waited < 8; waited += 1) {
    t.is(await b.post(index('B'), world.channel()), 'knock')
    t.is(await b.delete(index('old'), world.channel()), 'knock')
    world.pass(1 * minutes)
  }
  t.is(await b.delete(index('old'), world.channel()), 'ambiguous')
  t.is(await b.post(index('B'), world.channel()), 'ok')
  t.is(world.fence.state.items.get(firstItem(world))?.state, 'resolved')
})

function firstItem(world: World): never {
  return [...world.fence.state.items.keys()][0] as never
}

test('endings: a backup that unlocks on its own channel has ended', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await a.post(snapshot('A'), chA)
  await a.delete(lock('A'), chA)
  t.is(world.fence.livingWriters().length, 0)
})

test('endings: a request on its own channel revives a writer', async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await a.delete(lock('A'), chA)
  t.is(await a.post(snapshot('A'), chA), 'ok')
  t.is(world.fence.livingWriters().length, 1)
})

test('endings: fourteen days of silence end a writer, thirteen do not', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  world.pass(13 * days)
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 1)
  world.pass(2 * days)
  await world.carryOut(await world.fence.tick())
  t.is(world.fence.livingWriters().length, 0)
  t.false(world.disk.has(lock('A')))
  t.is(await a.post(snapshot('A'), world.channel()), 'unseen')
})

test('tags: a tag in the address is exact, on any channel and beside any sleeper', async (t) => {
  const world = await World.create()
  await begun(world, 'sleeper')
  const tagged = world.client({ tag: 'laptop-1' })
  await tagged.begin('T', world.channel())
  await prune(world)
  t.is(await tagged.post(index('T'), world.channel()), 'stale')
  const next = world.client({ tag: 'laptop-2' })
  await next.begin('T2', world.channel())
  t.is(await next.post(index('T2'), world.channel()), 'ok')
  t.is(await next.delete(lock('T2'), world.channel()), 'ok')
  t.is(world.fence.livingWriters().filter((writer) => writer.tag === 'laptop-2').length, 0)
})

test('tags: two runs under one tag are told apart like any two, never taken for one', async (t) => {
  const world = await World.create()
  const [first, second] = [world.client({ tag: 'same' }), world.client({ tag: 'same' })]
  await first.begin('1', world.channel())
  await prune(world)
  const channel = world.channel()
  await second.begin('2', channel)
  t.is(await first.post(index('1'), world.channel()), 'knock')
  t.is(await second.post(index('2'), channel), 'ok')
})

test('tags: a request without a tag is not that of a tagged writer', async (t) => {
  const world = await World.create()
  const tagged = world.client({ tag: 'T' })
  await tagged.begin('T', world.channel())
  await prune(world)
  const [b] = await begun(world, 'B')
  t.is(await b.post(index('B'), world.channel()), 'ok')
})

test('users: the candidates are the writers of the user', async (t) => {
  const world = await World.create()
  const [alice, bob] = [world.client({ user: 'alice' }), world.client({ user: 'bob' })]
  await alice.begin('A', world.channel())
  await prune(world)
  await bob.begin('B', world.channel())
  t.is(await bob.post(index('B'), world.channel()), 'ok')
  t.is(await alice.post(index('A'), world.channel()), 'stale')
})

test('channels: who was born after a channel was opened did not open it', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  const early = world.channel()
  world.pass(1 * seconds)
  await begun(world, 'B')
  t.is(await a.post(index('A'), early), 'ok')
})

test('channels: behind a proxy that hides them nothing binds and nobody is excluded', async (t) => {
  const world = await World.create()
  const shared = world.channel({ isHidden: true })
  const [a, b] = [world.client(), world.client()]
  await a.begin('A', shared)
  await prune(world)
  await b.begin('B', shared)
  t.is(await a.post(index('A'), shared), 'knock')
  t.is(await b.post(index('B'), shared), 'knock')
})

test('channels: a second opening on one shows a proxy that nobody declared', async (t) => {
  const world = await World.create()
  const mixed = world.channel()
  const [a, b] = [world.client(), world.client()]
  await a.begin('A', mixed)
  await prune(world)
  await b.begin('B', mixed)
  t.is(await a.post(index('A'), mixed), 'knock')
})

test('adoption: a lock that stands speaks for a run that began before', async (t) => {
  const world = await World.create({ standing: [lock('before'), index('old')] })
  await prune(world)
  t.is(await world.client().post(index('X'), world.channel()), 'stale')
  const [b] = await begun(world, 'B')
  t.is(await b.post(index('B'), world.channel()), 'knock', 'it may be the one from before')
})

test("an operator's fence overtakes every view", async (t) => {
  const world = await World.create()
  const [a, chA] = await begun(world, 'A')
  await world.fence.raise('root', 'restored from a copy')
  t.is(world.generation, 2)
  t.is(await a.post(index('A'), chA), 'stale')
  const [b, chB] = await begun(world, 'B')
  t.is(await b.post(index('B'), chB), 'ok')
})

test('a restart keeps every view: the sleeper is fenced by the gateway that comes after', async (t) => {
  const world = await World.create()
  const [a] = await begun(world, 'A')
  await prune(world)
  await world.restart()
  t.is(await a.post(index('A'), world.channel()), 'stale')
})
