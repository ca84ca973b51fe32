/** One client makes writers and locks in great numbers: the work of a check grows with neither times the other. */
import test from 'ava'
import { lock, minutes, seconds, World } from './world.js'

test('a check of thousands of writers and locks is short, and ends so many at a time', async (t) => {
  const world = await World.create()
  const count = 4000
  const crowd = Array.from({ length: count }, (_, at) => ({
    client: world.client({ tag: `run-${at}` }),
    channel: world.channel(),
  }))
  for (const { client, channel } of crowd) {
    channel.staysOpen = true
    await client.open(channel)
  }
  const locker = world.client({ tag: 'locker' })
  const lockers = world.channel()
  await locker.open(lockers)
  for (let at = 0; at < count; at += 1) await locker.post(lock(`lock ${at}`), lockers)
  world.pass(1 * seconds)
  for (const { channel } of crowd) world.fence.closed(channel.id, true)
  world.pass(1 * minutes)
  const began = performance.now()
  const first = await world.fence.tick()
  // Asked of each writer, all the locks took tens of seconds.
  t.true(performance.now() - began < 2000, `${performance.now() - began} ms`)
  t.true(first.length >= 100 && first.length <= 1000, `${first.length} records`)
  for (let ticks = 0; ticks < count / 100; ticks += 1) await world.fence.tick()
  t.is(world.fence.livingWriters().length, 1)
  t.is(world.fence.state.locks.size, count)
})
