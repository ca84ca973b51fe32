/** Each kind of evidence: what one request says of who sends it, and of who does not. */
import test from 'ava'
import { mayBeSender } from '../../fencing/evidence/constants.js'
import { mayBeLate } from '../../fencing/evidence/late-copy.js'
import { mayAskForContent } from '../../fencing/evidence/looking.js'
import { senderOf, type Stranger } from '../../fencing/evidence/starting.js'
import { isNoReader } from '../../fencing/evidence/lock-reading.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { Sender } from '../../fencing/evidence/sender.js'
import type { Author, SenderId } from '../../fencing/journal/event.js'
import type { ObjectName } from '../../fencing/object.js'
import { data, index, lock, minutes, seconds, World, type SimulatedClient } from './world.js'

const config = 'config' as ObjectName

const authorOf = (world: World, object: ObjectName): Author | undefined =>
  world.fence.state.commits.get(object)?.author

const sure = ({ id }: SimulatedClient): Author => {
  if (id === undefined) throw new Error('it has not begun')
  return { kind: 'writer', writer: id }
}

const hasLooked = (world: World, { id }: SimulatedClient): boolean | undefined =>
  id && world.fence.state.writers.get(id)?.hasLooked

test('whoever reads a lock has not posted it', async (t) => {
  const world = await World.create()
  const [a, w] = [world.client(), world.client()]
  const [chA, chW, fresh] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await w.open(chW)
  await a.post(lock('A2'), fresh)
  t.is(authorOf(world, lock('A2'))?.kind, 'unknown')
  w.read(lock('A2'), chW)
  t.deepEqual(authorOf(world, lock('A2')), sure(a))
})

test('a connection on which a lock is read is not that of its owner', async (t) => {
  const world = await World.create()
  const [a, w] = [world.client(), world.client()]
  const chA = world.channel()
  await a.open(chA)
  await a.post(lock('A'), chA)
  await w.open(world.channel())
  const fresh = world.channel()
  w.read(lock('A'), fresh)
  await w.post(lock('W'), fresh)
  t.deepEqual(authorOf(world, lock('W')), sure(w))
})

test('a request without a tag is not that of a run that has one', async (t) => {
  const world = await World.create()
  const [tagged, bare] = [world.client({ tag: 'T' }), world.client()]
  await tagged.begin('T', world.channel())
  await bare.begin('B', world.channel())
  await bare.post(lock('B2'), world.channel())
  t.deepEqual(authorOf(world, lock('B2')), sure(bare))
})

test('a lock that was taken back and came once more may be read by who posted it', async (t) => {
  const world = await World.create()
  const [a, w] = [world.client(), world.client()]
  const [chA, chW] = [world.channel(), world.channel()]
  await a.open(chA)
  await w.open(chW)
  await a.delete(lock('A'), chA)
  await a.post(lock('A'), chA)
  const fresh = world.channel()
  a.read(lock('A'), fresh)
  await a.post(lock('A2'), fresh)
  t.not(authorOf(world, lock('A2'))?.kind, 'writer', 'it may be that of either')
})

test('whoever still reads locks has asked for nothing else before', async (t) => {
  const world = await World.create()
  const [a, w] = [world.client(), world.client()]
  const [chA, chW] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await w.open(chW)
  await a.list('snapshots', world.channel())
  t.true(hasLooked(world, w), 'it may have been its')
  world.pass(1 * seconds)
  w.ping(chW)
  world.pass(1 * seconds)
  w.read(lock('A'), chW)
  t.false(hasLooked(world, w))
})

test('a look of which no sender is known is not forgotten with what is learnt of another channel', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const chA = world.channel()
  await a.begin('A', chA)
  await b.open(world.channel())
  await b.look(world.channel({ isHidden: true }))
  const fresh = world.channel()
  await a.post(lock('A2'), fresh)
  await a.delete(lock('A'), fresh)
  t.deepEqual(authorOf(world, lock('A2')), sure(a))
  t.true(hasLooked(world, b))
})

test('the reading of a lock that was sent before says nothing', async (t) => {
  const world = await World.create()
  const [a, w] = [world.client(), world.client()]
  const [chA, chW] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await w.open(chW)
  world.pass(1 * seconds)
  await a.list('snapshots', world.channel())
  world.pass(1 * seconds)
  w.read(lock('A'), chW)
  t.true(hasLooked(world, w), 'its request may have hung since before it looked')
})

type Said = Parameters<typeof mayBeSender>[1]
const constancy: readonly (readonly [string, (said: Said) => Said, boolean])[] = [
  ['all that is constant', (said) => said, true],
  ['another tag', (said) => ({ ...said, tag: 'U' }), false],
  ['another user', (said) => ({ ...said, client: { address: 'a', user: 'ben' } }), false],
  ['other constants', (said) => ({ ...said, constants: 'HTTP/2' }), false],
  [
    'a line that is older than the run',
    (said) => ({ ...said, channel: olderThan(said) }),
    false,
  ],
]
const olderThan = ({ channel }: Said): Said['channel'] => {
  return { ...channel, channel: { ...channel.channel, openedAt: 0 } }
}
for (const [what, change, isPossible] of constancy) {
  test(`a request with ${what} ${isPossible ? 'may be' : 'is not'} that of a run`, async (t) => {
    const world = await World.create()
    const run = world.client({ tag: 'T', user: 'ann' })
    await run.open(world.channel())
    const writer = run.id && world.fence.state.writers.get(run.id)
    if (writer === undefined) throw new Error('it has not begun')
    const constants = 'HTTP/1.1'
    const channel = { channel: world.channel(), isMixed: false } as Said['channel']
    const said = { tag: 'T', client: { address: 'a', user: 'ann' }, constants, channel }
    t.is(mayBeSender(world.fence.context(), change(said), { ...writer, constants }), isPossible)
  })
}

test('content is asked for by who has a lock, before its look too, and not by who has neither', async (t) => {
  const world = await World.create()
  const locked = world.client()
  await locked.open(world.channel())
  await locked.post(lock('A'), world.channel())
  const may = mayAskForContent(world.fence.context())
  t.is(locked.id && may(locked.id), true)
  const alone = await World.create()
  const reader = alone.client()
  await reader.open(alone.channel())
  t.is(reader.id && mayAskForContent(alone.fence.context())(reader.id), false)
})

test('an opening on a new connection is that of nobody who began before', async (t) => {
  const world = await World.create()
  const run = world.client()
  await run.open(world.channel())
  const asking = (isOpening: boolean): Stranger => {
    const channel = { channel: world.channel(), isMixed: false } as Stranger['channel']
    return { channel, isOpening, follows: 0, arrivedAt: 0, client: { address: 'a' } }
  }
  t.deepEqual([...senderOf(world.fence.context(), asking(false)).candidates], [run.id])
  t.deepEqual([...senderOf(world.fence.context(), asking(true)).candidates], [])
})

const own: Channel = { id: 'c', openedAt: 0, isHidden: false }
type Reading = Parameters<typeof isNoReader>[0]
const readings: readonly (readonly [string, Reading, boolean])[] = [
  ['own line', { channel: own, isMixed: false, precedingRequestAt: 6 }, true],
  ['new line', { channel: own, isMixed: false }, false],
  [
    'line last heard before that',
    { channel: own, isMixed: false, precedingRequestAt: 4 },
    false,
  ],
  [
    'line behind a proxy',
    { channel: { ...own, isHidden: true }, isMixed: false, precedingRequestAt: 6 },
    false,
  ],
  ['line of several', { channel: own, isMixed: true, precedingRequestAt: 6 }, false],
  [
    'line over HTTP/2',
    { channel: { ...own, isMultiplexed: true }, isMixed: false, precedingRequestAt: 6 },
    false,
  ],
]
for (const [line, reading, isAnother] of readings) {
  test(`who asked for a pack ${isAnother ? 'is not who' : 'may be who'} reads a lock on its ${line}`, (t) => {
    const asked = new Sender('s-1' as SenderId, [])
    asked.contentAt = 5
    t.is(isNoReader(reading, asked), isAnother)
  })
}

test('a refresh on an unknown connection says whose it is', async (t) => {
  const world = await World.create()
  const [a, u] = [world.client(), world.client()]
  const [chA, chU, fresh] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await u.open(chU)
  await u.list('locks', chU)
  await a.post(lock('A2'), fresh)
  await a.delete(lock('A'), fresh)
  t.deepEqual(authorOf(world, lock('A2')), sure(a), '`unlock` posts none')
})

test('whoever only deletes a lock may be `unlock`', async (t) => {
  const world = await World.create()
  const [a, u] = [world.client(), world.client()]
  const [chA, chU, fresh] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await u.open(chU)
  await u.list('locks', chU)
  await u.delete(lock('A'), fresh)
  await a.post(lock('A2'), fresh)
  t.is(authorOf(world, lock('A2'))?.kind, 'unknown')
})

test('whoever asks for a pack has looked or locked', async (t) => {
  const world = await World.create({ standing: [data('X')] })
  const [a, u] = [world.client(), world.client()]
  const [chA, chU, fresh] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await u.open(chU)
  await u.list('locks', chU)
  a.read(data('X'), fresh)
  await a.post(lock('A2'), fresh)
  t.deepEqual(authorOf(world, lock('A2')), sure(a))
})

test('whoever asked before on a channel, after a run had ended, sends no late copy of its', async (t) => {
  const world = await World.create()
  const [e, a, b] = [world.client(), world.client(), world.client()]
  const chE = world.channel()
  await e.begin('E', chE)
  await e.delete(lock('E'), chE)
  t.is(world.fence.livingWriters().length, 0)
  await a.begin('A', world.channel())
  await b.begin('B', world.channel())
  const mayBeLateOn = (channel: Channel): boolean => {
    const caller = world.fence.caller(channel, { client: { address: '127.0.0.1' } })
    world.fence.arrive(caller)
    return mayBeLate(world.fence.context(), caller, 'upload', index('X'))
  }
  const line = world.channel()
  t.true(mayBeLateOn(line), 'the first request on it may be')
  t.false(mayBeLateOn(line))
})

test('the config is deleted by who has a lock, though its second opening looked too', async (t) => {
  const world = await World.create({ standing: [config] })
  const [m, again] = [world.client(), world.client()]
  await m.begin('M', world.channel())
  await again.open(world.channel())
  await again.look(world.channel())
  t.is(await m.delete(config, world.channel()), 'ok')
})

test('the config is not deleted at once where two have locks', async (t) => {
  const world = await World.create({ standing: [config] })
  const [m, a] = [world.client(), world.client()]
  await m.begin('M', world.channel())
  await a.begin('A', world.channel())
  t.is(await m.delete(config, world.channel()), 'knock')
})

test('maintenance needs a lock: who only listed packs is no candidate for a deletion', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [p, m] = [world.client(), world.client()]
  const [chP, chM] = [world.channel(), world.channel()]
  await p.begin('P', chP)
  await m.open(chM)
  await m.list('data', chM)
  t.is(await p.delete(index('old'), world.channel()), 'ok')
})

test('a run whose lock somebody removed has ended when it deletes it', async (t) => {
  const world = await World.create()
  const [a, u] = [world.client(), world.client()]
  const [chA, chU] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await u.open(chU)
  await u.list('locks', chU)
  await u.delete(lock('A'), chU)
  t.true(world.fence.livingWriters().some(({ id }) => id === a.id))
  await a.list('snapshots', chA)
  await a.delete(lock('A'), chA)
  t.false(world.fence.livingWriters().some(({ id }) => id === a.id))
})

test('the answer to a lock has arrived where its owner looked, or deleted an older one', async (t) => {
  for (const isRefreshed of [false, true]) {
    const world = await World.create()
    const a = world.client()
    const chA = world.channel()
    await a.open(chA)
    await a.post(lock('A'), chA, { isLost: !isRefreshed })
    const next = world.channel()
    await a.look(next)
    let newest = 'A'
    if (isRefreshed) {
      newest = 'A2'
      await a.post(lock('A2'), world.channel(), { isLost: true })
      await a.delete(lock('A'), next)
    }
    await a.delete(lock(newest), next)
    t.is(world.fence.livingWriters().length, 0, newest)
  }
})

test('where its last channel closes at its exit, an older one that was lost says nothing', async (t) => {
  const world = await World.create()
  const u = world.client({ tag: 'T' })
  const [lost, last] = [world.channel(), world.channel()].map((one) => ({
    ...one,
    staysOpen: true,
  }))
  if (lost === undefined || last === undefined) throw new Error('there are two')
  await u.open(lost)
  world.pass(5 * minutes)
  world.fence.closed(lost.id, false)
  await u.list('locks', { ...last, openedAt: world.clock.monotonic() })
  world.pass(1 * seconds)
  world.fence.closed(last.id, true)
  world.pass(11 * seconds)
  await world.fence.tick()
  t.is(world.fence.livingWriters().length, 0)
})

test('whose last channel was lost may live', async (t) => {
  const world = await World.create()
  const u = world.client({ tag: 'T' })
  const [first, last] = [world.channel(), world.channel()].map((one) => ({
    ...one,
    staysOpen: true,
  }))
  if (first === undefined || last === undefined) throw new Error('there are two')
  await u.open(first)
  await u.list('locks', last)
  world.fence.closed(first.id, true)
  world.pass(5 * minutes)
  world.fence.closed(last.id, false)
  world.pass(20 * minutes)
  await world.fence.tick()
  t.is(world.fence.livingWriters().length, 1)
})
