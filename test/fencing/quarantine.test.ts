/** What the quarantine keeps, how often, and within which bounds. */
import test from 'ava'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import { World, data, days, index, lock, snapshot } from './world.js'
import {
  refusalSentence,
  deferralSentence,
  sentenceCharactersMax,
} from '../../fencing/rules/refusal.js'
import type { Generation, ItemId } from '../../fencing/journal/event.js'

async function staleWriter(
  world: World,
): Promise<(object: ReturnType<typeof data>, size?: number) => Promise<string>> {
  const a = world.client()
  const channel = world.channel()
  await a.begin('A', channel)
  await world.fence.raise('root', 'test')
  return async (object, size) => a.post(object, channel, size === undefined ? {} : { size })
}

test('an item is kept once however often the client retries, and counts the tries', async (t) => {
  const world = await World.create()
  const post = await staleWriter(world)
  for (let tries = 0; tries < 10; tries += 1) t.is(await post(index('A')), 'stale')
  const items = [...world.fence.state.items.values()]
  t.is(items.length, 1)
  t.is(items[0]?.tries, 10)
  const refusals = (await world.journal.read(world.fence.repository, 0, 1000)).filter(
    (record) => {
      return record.body.includes('"kind":"refused"')
    },
  )
  t.is(refusals.length, 1, 'a refusal stands in the journal once')
  await world.restart()
  t.is([...world.fence.state.items.values()][0]?.tries, 10, 'the count survives a restart')
})

test('when the quarantine is full the story is kept and the bytes are not', async (t) => {
  const world = await World.create({ quarantineBytesMax: 300 })
  const post = await staleWriter(world)
  await post(data('1'), 100)
  await post(data('2'), 100)
  t.deepEqual(
    [...world.fence.state.items.values()].map((item) => item.isKept),
    [true, false],
  )
  t.is(world.allowance.bytes, 100)
})

test('one client fills half of the quarantine at most, and others still find room', async (t) => {
  const world = await World.create({ quarantineBytesMax: 400 })
  const users = ['alice', 'alice', 'bob'].map((user, number) => {
    return world.client({ user, address: `192.0.2.${number}` })
  })
  const channels = users.map(() => world.channel())
  const told: boolean[] = []
  for (const [at, user] of users.entries()) {
    const channel = channels[at]
    if (channel !== undefined) await user.begin(`of ${at}`, channel)
  }
  await world.fence.raise('root', 'test')
  for (const [at, user] of users.entries()) {
    const channel = channels[at]
    if (channel === undefined) continue
    t.is(await user.post(data(`first of ${at}`), channel, { size: 101 }), 'stale')
  }
  for (const item of world.fence.state.items.values()) told.push(item.isKept)
  t.deepEqual(told, [true, false, true], 'a user has one share, wherever it calls from')
  t.is(world.allowance.bytes, 202)
})

test('an item that grows old loses its bytes and keeps its story', async (t) => {
  const world = await World.create()
  const post = await staleWriter(world)
  await post(data('1'), 100)
  const [item] = world.fence.state.items.values()
  if (item === undefined) return t.fail('nothing was kept')
  world.pass(89 * days)
  t.deepEqual(await world.fence.evict(item, 90 * days), [])
  t.deepEqual(world.fence.oldItems(90 * days), [])
  world.pass(2 * days)
  t.deepEqual(world.fence.oldItems(90 * days), [item])
  await world.fence.evict(item, 90 * days)
  t.is(item.state, 'evicted')
  t.is(world.allowance.bytes, 0)
})

test('a story without bytes is closed as well when it grows old', async (t) => {
  const world = await World.create({ quarantineBytesMax: 100 })
  const post = await staleWriter(world)
  await post(data('1'), 200)
  const [item] = world.fence.state.items.values()
  t.false(item?.isKept)
  world.pass(91 * days)
  t.deepEqual(world.fence.oldItems(90 * days), [item])
  for (const old of world.fence.oldItems(90 * days)) await world.fence.evict(old, 90 * days)
  t.is(item?.state, 'evicted')
  t.is(world.fence.state.openItems.size, 0)
})

test('items that are closed are forgotten in the end, with their tries; the newest are told of', async (t) => {
  const world = await World.create()
  const post = await staleWriter(world)
  await post(index('open'))
  const act = { by: 'root', reason: 'test' }
  for (let at = 0; at < 1_600; at += 1) {
    await post(data(`${at}`))
    await post(data(`${at}`))
    const item = [...world.fence.state.items.values()].at(-1)
    if (item !== undefined) await world.carryOut(await world.fence.discard(item, act))
  }
  const { items, openItems } = world.fence.state
  t.true(items.size < 1_600, `${items.size}`)
  t.is(openItems.size, 1)
  t.true(items.has(openItems.get(index('open')) ?? ('' as ItemId)))
  const { repository } = world.fence
  t.true((await world.journal.tries(repository)).length >= 1_600)
  for (const { id } of world.fence.livingWriters()) await world.fence.endWriter(id)
  await world.fence.seal(memoryArchives())
  t.true((await world.journal.tries(repository)).length <= 1)
  const before = items.size
  await world.restart()
  t.is(world.fence.state.items.size, before)
})

test('an item tells its story', async (t) => {
  const world = await World.create()
  const post = await staleWriter(world)
  await post(snapshot('S'), 321)
  const [item] = world.fence.state.items.values()
  t.like(item, {
    object: snapshot('S'),
    reason: 'stale',
    generation: 1,
    currentGeneration: 2,
    size: 321,
    tries: 1,
    state: 'quarantined',
    run: { generation: 2 },
  })
  t.is(item?.author.kind, 'writer')
})

test("a fenced writer's locks leave the repository with it", async (t) => {
  const world = await World.create()
  const post = await staleWriter(world)
  t.true(world.disk.has(lock('A')))
  await post(data('1'))
  t.false(world.disk.has(lock('A')))
})

test('every sentence is ASCII and short enough for a reason phrase', (t) => {
  const reasons = ['stale', 'conflict', 'unseen', 'ambiguous'] as const
  const generation = 1_000_000 as Generation
  const currentGeneration = 1_000_001 as Generation
  const item = 'q-abcdef' as ItemId
  for (const reason of reasons) {
    for (const verb of ['upload', 'deletion'] as const) {
      for (const isKept of [true, false]) {
        const story = { verb, reason, generation, currentGeneration, isKept }
        for (const told of [story, { ...story, item }]) {
          const sentence = refusalSentence(told)
          t.regex(sentence, /^[\x20-\x7e]+$/)
          t.true(sentence.length <= sentenceCharactersMax, sentence)
        }
      }
    }
  }
  t.true(deferralSentence.length <= sentenceCharactersMax)
})
