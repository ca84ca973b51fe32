/** Histories of requests that come late or twice: retractions, uploads, and the deletion of a config by a migration. */
import test from 'ava'
import type { ObjectName } from '../../fencing/object.js'
import { posterOf } from '../../fencing/state/repository-state.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import {
  World,
  data,
  index,
  lock,
  minutes,
  seconds,
  snapshot,
  type SimulatedClient,
  type Told,
} from './world.js'

const config = 'config' as ObjectName

interface Migration {
  readonly client: SimulatedClient
  readonly channel: Channel
  readonly told: Told
}

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

for (const tag of [undefined, 'run']) {
  test(`retraction: the only lock of a run, unanswered, proves no ending when it is taken back${tag === undefined ? '' : ' under a tag'}`, async (t) => {
    const world = await World.create()
    const [a, u] = [world.client(tag === undefined ? {} : { tag }), world.client()]
    const [chA, next] = [world.channel(), world.channel()]
    await a.begin('A', chA)
    await a.post(data('more'), chA)
    await u.open(world.channel())
    await u.delete(lock('A'), world.channel())
    await a.post(lock('A1'), next, { isLost: true })
    await a.post(data('most'), chA)
    // It posts the lock again after this.
    t.is(await a.delete(lock('A1'), chA), 'ok')
    t.is(world.fence.livingWriters().length, 2)
    t.is(await a.post(lock('A1'), chA), 'ok')
  })
}

test('late copy of a retraction: nor does one under a tag whose lock was answered before its copy came', async (t) => {
  const world = await World.create()
  const a = world.client({ tag: 'run' })
  const [early, other] = [world.channel(), world.channel()]
  await a.begin('A', early)
  t.is(await a.post(data('more'), early), 'ok')
  // A late copy of its opening makes it two writers; the first try of its lock and what took that back come now.
  world.pass(1 * seconds)
  await a.open(world.channel())
  t.is(await a.post(lock('A'), early), 'ok')
  t.is(await a.delete(lock('A'), other), 'ok')
  t.is(world.fence.livingWriters().length, 2)
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

test('late copy of an upload that failed undecided: it may be that of the run that has ended', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('B', chB)
  b.fail(index('N'), world.channel())
  await b.delete(index('N'), chB)
  await b.delete(lock('B'), chB)
  t.deepEqual(
    world.fence.livingWriters().map(({ id }) => id),
    [a.id],
  )
  t.is(await b.post(index('N'), world.channel()), 'ok')
  const author = world.fence.state.commits.get(index('N'))?.author
  t.is(author?.kind, 'unknown', 'it may be that of either')
  t.is(await a.post(index('M'), world.channel()), 'ok', 'what nobody tried before is its own')
})

test('late copy of an upload that was taken back before it came: it may be that of the run that has ended', async (t) => {
  for (const object of [index('N'), lock('L')]) {
    const world = await World.create()
    const [a, b] = [world.client(), world.client()]
    const [chA, chB] = [world.channel(), world.channel()]
    await a.begin('A', chA)
    await b.begin('B', chB)
    t.is(await b.delete(object, chB), 'ok')
    await b.delete(lock('B'), chB)
    t.deepEqual(
      world.fence.livingWriters().map(({ id }) => id),
      [a.id],
    )
    await b.post(object, world.channel())
    t.not(posterOf(world.fence.state, object), a.id)
    t.not(world.fence.presence.uploaders.get(object)?.only, a.id)
  }
})

for (const isRestarted of [false, true]) {
  const after = isRestarted ? ', after a restart too' : ''

  test(`late copy of an upload that was put off: it may be that of the run that has ended${after}`, async (t) => {
    const world = await World.create({ standing: [index('old')] })
    const [a, p, b] = [world.client(), world.client(), world.client()]
    const [chA, chP, chB] = [world.channel(), world.channel(), world.channel()]
    await a.begin('A', chA)
    await p.begin('P', chP)
    t.is(await p.delete(index('old'), chP), 'ok')
    await p.delete(lock('P'), chP)
    await b.begin('B', chB)
    t.is(await a.post(index('N'), world.channel()), 'knock')
    t.is(await a.delete(index('N'), chA), 'ok')
    await a.delete(lock('A'), chA)
    t.deepEqual(
      world.fence.livingWriters().map(({ id }) => id),
      [b.id],
    )
    if (isRestarted) await world.restart()
    // Each copy is one more, and none says anything of the next.
    t.is(await a.post(index('N'), world.channel()), 'knock')
    t.is(await a.post(index('N'), world.channel()), 'knock')
  })

  test(`late copy of an upload that was refused: it may be that of the run that has ended${after}`, async (t) => {
    const world = await World.create({ standing: [index('old')] })
    const [a, p, b] = [world.client(), world.client(), world.client()]
    const [chA, chP] = [world.channel(), world.channel()]
    await a.begin('A', chA)
    await p.begin('P', chP)
    t.is(await p.delete(index('old'), chP), 'ok')
    await p.delete(lock('P'), chP)
    t.is(await a.post(index('N'), world.channel()), 'stale')
    await a.delete(lock('A'), chA)
    await b.begin('B', world.channel())
    if (isRestarted) await world.restart()
    t.is(await a.post(index('N'), world.channel()), isRestarted ? 'knock' : 'stale')
  })
}

test('late copy of an upload that was put off: also where an operator has discarded the bytes', async (t) => {
  const world = await World.create()
  const [a, b] = [world.client(), world.client()]
  const [chA, chB] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('R', chB)
  await b.post(data('X'), chB)
  t.is(await a.post(index('N'), world.channel()), 'knock')
  await a.post(data('more'), chA)
  await a.delete(lock('A'), chA)
  const [item] = world.fence.state.items.values()
  if (item !== undefined)
    await world.carryOut(await world.fence.discard(item, { by: 'root', reason: '' }))
  t.is(item?.state, 'discarded')
  t.is(await a.post(index('N'), world.channel()), 'knock')
})

test('late copy of an upload of unknown author that a prune has deleted: it is not that of the only run left', async (t) => {
  const world = await World.create()
  const [a, b, p, q] = [world.client(), world.client(), world.client(), world.client()]
  const [chA, chB, chP] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('B', chB)
  await a.post(data('X'), chA)
  await b.post(data('Y'), chB)
  t.is(await a.post(index('N'), world.channel()), 'ok', 'both are awake')
  await a.delete(lock('A'), chA)
  await b.delete(lock('B'), chB)
  await p.begin('P', chP)
  t.is(await p.delete(index('N'), chP), 'ok')
  t.is(await p.delete(data('X'), chP), 'ok')
  await p.delete(lock('P'), chP)
  await q.begin('Q', world.channel())
  t.is(await a.post(index('N'), world.channel()), 'stale', 'either of both is')
  await world.restart()
  t.not(await a.post(index('N'), world.channel()), 'ok')
})

test('late copy of an upload that observing let through: it has come about, and its deletion is the only run left has it', async (t) => {
  const world = await World.create({ isObserving: true })
  const [a, b, p] = [world.client(), world.client(), world.client()]
  const [chA, chB, chP] = [world.channel(), world.channel(), world.channel()]
  await a.begin('A', chA)
  await b.begin('R', chB)
  await b.post(data('X'), chB)
  await a.post(index('N'), world.channel())
  t.deepEqual([...world.fence.state.passed], [['knocked', 1]])
  await a.post(data('more'), chA)
  await a.delete(lock('A'), chA)
  await b.delete(lock('R'), chB)
  await p.begin('P', chP)
  await p.delete(index('N'), world.channel())
  t.deepEqual([...world.fence.state.passed], [['knocked', 1]])
})

test('late copy of an upload that came about: who ended since is asked of its deletion no more', async (t) => {
  const world = await World.create()
  const [a, p] = [world.client(), world.client()]
  const chA = world.channel()
  await a.begin('A', chA)
  t.is(await a.post(index('N'), chA), 'ok')
  await a.delete(lock('A'), chA)
  await p.begin('P', world.channel())
  t.is(await p.delete(index('N'), world.channel()), 'ok')
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
  t.deepEqual(world.fence.state.commits.get(config)?.author, {
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
  t.is(await client.delete(config, world.channel()), 'knock')
  const later: Told[] = []
  for (let minute = 0; minute < 4; minute += 1) {
    world.pass(1 * minutes)
    later.push(await client.delete(config, world.channel()))
  }
  t.deepEqual(later, Array<Told>(4).fill('knock'), 'nothing comes later than five minutes')
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

test('late copy of a deletion that was refused as ambiguous: it is not that of the only run left', async (t) => {
  const world = await World.create({ standing: [snapshot('old'), index('old')] })
  const [a, b, p] = [world.client(), world.client(), world.client()]
  const [chA, chB, chP] = [world.channel(), world.channel(), world.channel()]
  await p.begin('P', chP)
  await a.begin('A', chA)
  t.is(await p.delete(index('old'), chP), 'ok')
  await p.delete(lock('P'), chP)
  await b.begin('B', chB)
  let told: Told = 'knock'
  for (let tries = 0; told === 'knock' && tries < 20; tries += 1) {
    told = await b.delete(snapshot('old'), world.channel())
    world.pass(1 * minutes)
    a.ping(chA)
    b.ping(chB)
  }
  t.is(told, 'ambiguous', 'A is stale, B is not')
  await b.delete(lock('B'), chB)
  t.is(world.fence.livingWriters().length, 1)
  t.is(await b.delete(snapshot('old'), world.channel()), 'knock')
})

test('late copy of a retraction: a restart does not forget that an index was tried twice', async (t) => {
  for (const isAnswered of [true, false]) {
    const world = await World.create()
    const [a, b] = [world.client(), world.client()]
    const chA = world.channel()
    await a.begin('A', chA)
    t.is(await a.delete(index('N'), chA), 'ok')
    t.is(await a.post(index('N'), chA), 'ok')
    if (isAnswered) a.ping(chA)
    await a.delete(lock('A'), chA)
    await world.restart()
    await b.begin('B', world.channel())
    t.is(await a.delete(index('N'), world.channel()), 'knock')
    t.true(world.disk.has(index('N')))
  }
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

test('late list: what may be the copy of one by a run that has ended is no sure look of whoever lives', async (t) => {
  const world = await World.create({ standing: [index('old')] })
  const [a, w] = [world.client(), world.client()]
  const [chA, chW] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  await w.open(chW)
  await w.list('locks', chW)
  a.ping(chA)
  await a.delete(lock('A'), chA)
  t.deepEqual(
    world.fence.livingWriters().map(({ id }) => id),
    [w.id],
  )
  await a.list('index', world.channel())
  t.false(world.fence.livingWriters()[0]?.hasSurelyLooked)
  await w.post(lock('W'), chW)
  await w.look(chW)
  t.true(world.fence.livingWriters()[0]?.hasSurelyLooked)
})
