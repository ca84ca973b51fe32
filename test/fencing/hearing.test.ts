/** Who is named as a sleeper: only a writer that the gateway itself saw fall silent, also across restarts. */
import test from 'ava'
import { index, lock, minutes, seconds, snapshot, World, data } from './world.js'
import { viewRepository } from '../../gateway/operate/admin/viewing.js'
import type { WriterView } from '../../gateway/operate/admin/views.js'

const writersOf = (world: World): readonly WriterView[] => viewRepository(world.fence).writers

const stateOf = (world: World, id: string | undefined): string | undefined =>
  writersOf(world).find((writer) => writer.id === id)?.state

/** A clean stop, and a start on what it left. */
const restart = async (world: World): Promise<void> => {
  await world.fence.flush()
  await world.fence.noteHeard()
  await world.restart()
}

test('a writer that is heard is current, and one that falls silent becomes a sleeper', async (t) => {
  const world = await World.create()
  const laptop = world.client({ user: 'ann', address: '192.0.2.7' })
  const line = { ...world.channel(), from: '192.0.2.7:5000' }
  await laptop.begin('A', line)
  world.pass(9 * minutes)
  t.like(writersOf(world)[0], {
    state: 'current',
    silent: false,
    user: 'ann',
    address: '192.0.2.7',
    connection: { from: '192.0.2.7:5000', time: new Date(1_700_000_000_000).toISOString() },
  })
  laptop.ping(line)
  world.pass(9 * minutes)
  t.is(stateOf(world, laptop.id), 'current', 'it was heard since')
  world.pass(2 * minutes)
  t.like(writersOf(world)[0], { state: 'sleeper', silent: true })
})

test("what may be the writer's is no silence: requests on a channel that may be its", async (t) => {
  const world = await World.create()
  const [laptop, desktop] = [world.client(), world.client()]
  await laptop.begin('A', world.channel())
  await desktop.begin('B', world.channel())
  const unknown = world.channel()
  for (let minute = 0; minute < 20; minute += 1) {
    world.pass(1 * minutes)
    laptop.ping(unknown)
  }
  const states = [laptop, desktop].map(({ id }) => stateOf(world, id))
  t.deepEqual(states, ['current', 'current'], 'either may have sent it')
  world.pass(11 * minutes)
  t.is(stateOf(world, laptop.id), 'sleeper')
})

test('a restart makes nobody a sleeper, and keeps when and where each was heard', async (t) => {
  const world = await World.create()
  const laptop = world.client()
  const line = { ...world.channel(), from: '127.0.0.1:5000' }
  await laptop.begin('A', line)
  world.pass(5 * minutes)
  laptop.ping(line)
  const before = writersOf(world)[0]?.connection
  t.is(before?.from, '127.0.0.1:5000')
  await restart(world)
  t.deepEqual(writersOf(world)[0]?.connection, before)
  world.pass(9 * minutes)
  t.is(stateOf(world, laptop.id), 'current')
  world.pass(2 * minutes)
  t.is(stateOf(world, laptop.id), 'sleeper', 'this run has itself seen it silent')
})

test('a sleeper is one after a restart too, and its silence goes on where it was', async (t) => {
  const world = await World.create()
  const laptop = world.client()
  await laptop.begin('A', world.channel())
  world.pass(11 * minutes)
  const heard = writersOf(world)[0]?.lastSeen
  await restart(world)
  t.like(writersOf(world)[0], { state: 'sleeper', lastSeen: heard })
  const line = world.channel()
  laptop.ping(line)
  t.is(stateOf(world, laptop.id), 'current')
})

test('notes are written only where there is something new', async (t) => {
  const world = await World.create()
  let written = 0
  const { journal } = world
  const noteHeard = journal.noteHeard.bind(journal)
  Object.assign(journal, {
    noteHeard: (...args: Parameters<typeof noteHeard>) => {
      written += 1
      return noteHeard(...args)
    },
  })
  const line = world.channel()
  const laptop = world.client()
  await laptop.begin('A', line)
  for (let round = 0; round < 5; round += 1) await world.fence.noteHeard()
  t.is(written, 1)
  world.pass(30 * seconds)
  laptop.ping(line)
  await world.fence.noteHeard()
  t.is(written, 2)
  world.pass(11 * minutes)
  for (let round = 0; round < 5; round += 1) await world.fence.noteHeard()
  t.is(written, 3, 'that it has fallen silent')
})

test('a run that ended is not listed any more, at once', async (t) => {
  const world = await World.create()
  const laptop = world.client()
  const line = world.channel()
  await laptop.begin('A', line)
  await laptop.post(snapshot('s'), line)
  await laptop.delete(lock('A'), line)
  t.deepEqual(writersOf(world), [])
})

test('a run that was overtaken, told so, and whose client has gone is told apart', async (t) => {
  const world = await World.create()
  const laptop = world.client()
  const line = { ...world.channel(), staysOpen: true }
  await laptop.begin('A', line)
  await laptop.post(data('old'), line)
  const admin = world.client()
  const other = world.channel()
  await admin.begin('P', other)
  await admin.delete(data('old'), other)
  t.is(stateOf(world, laptop.id), 'stale')
  t.is(await laptop.post(index('late'), line), 'stale')
  t.is(stateOf(world, laptop.id), 'stale', 'it was told, and may live')
  world.fence.closed(line.id, true)
  t.is(stateOf(world, laptop.id), 'gone')
  await restart(world)
  t.is(stateOf(world, laptop.id), 'gone')
})

test('an unlock that a prune overtook is told apart once its client has gone', async (t) => {
  const world = await World.create()
  const tool = world.client()
  const line = { ...world.channel(), staysOpen: true }
  await tool.open(line)
  await tool.list('locks', line)
  const admin = world.client()
  const other = world.channel()
  await admin.begin('P', other)
  await admin.post(index('new'), other)
  world.disk.add(data('old'))
  await admin.delete(data('old'), other)
  t.is(stateOf(world, tool.id), 'stale')
  world.fence.closed(line.id, true)
  t.is(stateOf(world, tool.id), 'gone')
})

test('a run that was overtaken and sleeps is the one to look at: it was told nothing yet', async (t) => {
  const world = await World.create()
  const laptop = world.client()
  const line = { ...world.channel(), staysOpen: true }
  await laptop.begin('A', line)
  await laptop.post(data('old'), line)
  const admin = world.client()
  const other = world.channel()
  await admin.begin('P', other)
  await admin.delete(data('old'), other)
  world.fence.closed(line.id, true)
  world.pass(11 * minutes)
  const view = writersOf(world).find(({ id }) => id === laptop.id)
  t.like(view, { state: 'stale', silent: true })
})
