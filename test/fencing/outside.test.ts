/** Use of the folder past the gateway, as the names of the indexes show it. */
import test from 'ava'
import type { Generation } from '../../fencing/journal/event.js'
import { refusalSentence } from '../../fencing/rules/refusal.js'
import { World, index, snapshot } from './world.js'

const compare = (world: World): Promise<boolean> =>
  world.fence.compare(async () => world.standing('index/'))

test('a vanished index is an outside maintenance: every view before it is overtaken', async (t) => {
  const world = await World.create({ standing: [index('1'), index('2')] })
  const a = world.client()
  const channel = world.channel()
  await a.begin('A', channel)
  world.disk.delete(index('1'))
  world.disk.delete(index('2'))
  world.disk.add(index('new'))
  t.true(await compare(world))
  t.is(world.generation, 2)
  t.is(await a.post(snapshot('A'), channel), 'stale')
  t.true(await compare(world))
  t.is(world.generation, 2, 'it is noticed once')
  const [item] = world.fence.state.items.values()
  t.like(item?.run, { generation: 2, isOutside: true })
})

test('a new index is an outside commit: a prune that did not see it is refused', async (t) => {
  const world = await World.create({ standing: [index('1')] })
  const p = world.client()
  const channel = world.channel()
  await p.begin('P', channel)
  world.disk.add(index('theirs'))
  t.true(await compare(world))
  t.is(world.generation, 1)
  t.is(await p.delete(index('1'), channel), 'conflict')
})

test('what goes through the gateway is never taken for the outside', async (t) => {
  const world = await World.create({ standing: [index('1')] })
  const p = world.client()
  const channel = world.channel()
  await p.begin('P', channel)
  await p.post(index('2'), channel)
  t.is(await p.delete(index('1'), channel), 'ok')
  t.true(await compare(world))
  t.is(world.generation, 2, 'its own maintenance, and nothing else')
  t.is(await p.post(snapshot('P'), channel), 'ok')
})

for (const kind of ['committed', 'deleted'] as const)
  test(`an index that is ${kind} and not carried out yet puts the comparison off`, async (t) => {
    const world = await World.create({ standing: [index('1')] })
    const p = world.client()
    const channel = world.channel()
    await p.begin('P', channel)
    world.holdsBack = kind
    if (kind === 'committed') await p.post(index('2'), channel)
    else await p.delete(index('1'), channel)
    const { generation } = world
    t.false(await compare(world))
    await world.carryOutHeldBack()
    t.true(await compare(world))
    t.is(world.generation, generation)
  })

test('an index that changes during the listing makes it be listed again', async (t) => {
  const world = await World.create({ standing: [index('1')] })
  const a = world.client()
  const channel = world.channel()
  await a.begin('A', channel)
  let listings = 0
  const isDone = await world.fence.compare(async () => {
    listings += 1
    const standing = world.standing('index/')
    if (listings === 1) await a.post(index('2'), channel)
    return standing
  })
  t.true(isDone)
  t.is(listings, 2)
  t.is(world.generation, 1)
})

test('an outside maintenance survives a restart, and is not noticed again', async (t) => {
  const world = await World.create({ standing: [index('1')] })
  world.disk.clear()
  await compare(world)
  await world.restart()
  await compare(world)
  t.is(world.generation, 2)
})

test('the sentence says that the prune went past the gateway', (t) => {
  const [generation, currentGeneration] = [1, 2] as Generation[]
  if (generation === undefined || currentGeneration === undefined) return t.fail()
  const run = { generation: currentGeneration, isOutside: true } as const
  const story = { verb: 'upload', reason: 'stale', generation, currentGeneration, run } as const
  t.regex(refusalSentence({ ...story, isKept: false }), /a prune past this gateway/)
})
