/** Histories seen with real clients, or found by reading, each under the name it has in the design notes. */
import test from 'ava'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import type { ObjectName } from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import { World, data, index, lock, snapshot } from './world.js'

const livingIds = (world: World): readonly string[] =>
  world.fence.livingWriters().map(({ id }) => id)

test('the waiting backup: a prune that may have been it has listed packs, and its first lock still takes its view', async (t) => {
  const world = await World.create()
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  world.disk.add(data('old'))
  await p.begin('P', chP)
  await b.open(chB)
  await b.list('locks', chB)
  await p.list('data', world.channel())
  t.is(await p.delete(data('old'), chP), 'ok')
  t.is(await p.delete(lock('P'), chP), 'ok')
  t.is(await b.post(lock('B'), chB), 'ok')
  await b.look(chB)
  t.is(await b.post(index('B'), chB), 'ok')
})

test('the waiting backup: where it has surely looked before, its first lock moves nothing', async (t) => {
  const world = await World.create()
  const [p, b] = [world.client(), world.client()]
  const [chP, chB] = [world.channel(), world.channel()]
  world.disk.add(data('old'))
  await b.open(chB)
  await b.look(chB)
  await p.begin('P', chP)
  t.is(await p.delete(data('old'), chP), 'ok')
  t.is(await b.post(lock('B'), chB), 'stale')
  t.is(await b.post(index('B'), chB), 'stale')
})

const readLock = (world: World, name: ObjectName, channel: Channel): void => {
  const caller = world.fence.caller(channel, { client: { address: '127.0.0.1' } })
  world.fence.arrive(caller)
  world.fence.readLock(caller, name)
}

test('the parallel readers: who reads locks on a second connection posts its own there, and ends', async (t) => {
  const world = await World.create()
  const [c, d, a] = [world.client(), world.client(), world.client()]
  await c.begin('C', world.channel())
  await d.begin('D', world.channel())
  const [first, second] = [world.channel(), world.channel()]
  await a.open(first)
  await a.list('locks', first)
  readLock(world, lock('C'), first)
  readLock(world, lock('D'), second)
  t.is(await a.post(lock('A'), second), 'ok')
  await a.look(second)
  t.is(await a.post(snapshot('A'), second), 'ok')
  t.is(await a.delete(lock('A'), second), 'ok')
  t.deepEqual(livingIds(world), [c.id, d.id])
})

test('the broken-off upload: a pack that stays unpublished pulls no view back before an index that was listed', async (t) => {
  const world = await World.create()
  const [u, b, p] = [world.client(), world.client(), world.client()]
  const [chU, chB, chP] = [world.channel(), world.channel(), world.channel()]
  world.disk.add(data('old'))
  await u.begin('U', chU)
  await b.begin('B', chB)
  world.holdsBack = 'committed'
  await u.post(data('X'), chU)
  world.holdsBack = undefined
  t.is(await b.post(index('B'), chB), 'ok')
  await p.begin('P', chP)
  t.is(await p.delete(data('old'), chP), 'ok')
})

test('youngest takes all: at once, but as the set: another writer to each of them', async (t) => {
  const world = await World.create()
  const [a, p] = [world.client(), world.client()]
  const [chA, chP] = [world.channel(), world.channel()]
  await a.begin('A', chA)
  t.is(await a.post(data('X'), chA), 'ok')
  await p.begin('Q', chP)
  t.is(await a.post(index('X'), world.channel()), 'ok')
  await p.list('data', chP)
  t.is(await p.delete(data('X'), chP), 'conflict')
})

test('the last opening: one that could not be recorded binds no channel', async (t) => {
  const journal = memoryJournal()
  const { append } = journal
  let fails = false
  const world = await World.create({
    journal: {
      ...journal,
      append: async (batch) => {
        if (fails) throw new BackendError('unavailable', 'EIO')
        await append(batch)
      },
    },
  })
  const channel = world.channel()
  fails = true
  await t.throwsAsync(world.client().open(channel), { message: 'EIO' })
  const state = world.fence.presence.channel(channel, 0)
  t.like(state, { opened: undefined, isMixed: false })
  t.deepEqual([...(state.sender?.candidates ?? [])], [])
})
