/** Records leave the journal for archives; the state, the chain and every decision stay what they were. */
import test from 'ava'
import fc from 'fast-check'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import { plainState } from '../../fencing/journal/base.js'
import { parseEvent } from '../../fencing/journal/event.js'
import {
  BackendError,
  type JournalArchives,
  type JournalBase,
  type JournalStore,
  type StoredRecord,
} from '../../fencing/ports.js'
import { RepositoryState } from '../../fencing/state/repository-state.js'
import { readOne, verifyOne } from '../../gateway/operate/admin/reading.js'
import { World, data, index, lock, minutes, snapshot } from './world.js'

const always = { position: 1, time: Number.NEGATIVE_INFINITY }

async function allRecords(world: World, archives: JournalArchives): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  const { journal, fence } = world
  for await (const one of readOne({ journal, archives }, fence.repository, always)) {
    records.push(one)
  }
  return records
}

/** The fold over every record from the first on, as if nothing had ever been sealed. */
function folded(records: readonly StoredRecord[]): ReturnType<typeof plainState> {
  const state = new RepositoryState()
  for (const { position, time, body } of records) {
    const event = parseEvent(body)
    if (event === undefined) throw new Error(`record ${position} cannot be read`)
    state.apply(event, { position, time, ran: event.ran ?? 0 })
    state.settle(event, position)
  }
  return plainState(state)
}

/** A backup that ends, a sleeper that was overtaken, an item in quarantine. */
async function busyWorld(): Promise<World> {
  const world = await World.create({ standing: [index('1'), data('1'), lock('old')] })
  const [a, b] = [world.client(), world.client()]
  const [ofA, ofB] = [world.channel(), world.channel()]
  await a.begin('A', ofA)
  await a.post(data('A'), ofA)
  await a.post(index('A'), ofA)
  await a.post(snapshot('A'), ofA)
  await a.delete(lock('A'), ofA)
  await b.begin('B', ofB)
  await world.fence.raise('root', 'test')
  await b.post(snapshot('B'), ofB)
  return world
}

async function endAll(world: World): Promise<void> {
  for (const { id } of world.fence.livingWriters()) {
    await world.carryOut(await world.fence.endWriter(id, 'root'))
  }
}

test('sealing stops before the oldest living view', async (t) => {
  const world = await busyWorld()
  const archives = memoryArchives()
  // The run whose lock stood at adoption has the view of the first record.
  t.is((await world.fence.seal(archives))?.to, 1)
  const [old] = world.fence.livingWriters()
  if (old === undefined) return t.fail()
  await world.carryOut(await world.fence.endWriter(old.id, 'root'))
  const [sleeper] = world.fence.livingWriters()
  t.is((await world.fence.seal(archives))?.to, sleeper?.commitView)
  t.is(await world.fence.seal(archives), undefined, 'nothing more can go')
})

test('what is not carried out yet stays in the journal', async (t) => {
  const world = await busyWorld()
  await endAll(world)
  const writer = world.client()
  const channel = world.channel()
  world.holdsBack = 'all'
  await writer.open(channel)
  const before = world.fence.head.position
  await writer.post(data('held back'), channel)
  await world.carryOut(await world.fence.endWriter(writer.id ?? ('' as never), 'root'))
  t.true(((await world.fence.seal(memoryArchives()))?.to ?? 0) <= before)
  await world.restart()
  t.true(world.heldBack.length > 0, 'a restart still finds it')
})

test('a restart goes on from the base, and the chain runs through the archives', async (t) => {
  const world = await busyWorld()
  const archives = memoryArchives()
  const { repository } = world.fence
  await endAll(world)
  const { position, hash } = world.fence.head
  t.is((await world.fence.seal(archives))?.to, position)
  const left = await world.journal.read(repository, 0, 100)
  t.deepEqual(
    left.map(({ body }) => parseEvent(body)?.kind),
    ['sealed'],
  )
  await world.restart()
  const records = await allRecords(world, archives)
  t.is(records.length, position + 1)
  t.deepEqual(plainState(world.fence.state), folded(records))
  t.is([...world.fence.state.items.values()][0]?.isKept, true)
  t.is(world.allowance.bytes, 100, 'what is in quarantine is counted')
  const whole = { journal: world.journal, archives }
  t.like(await verifyOne(whole, repository, hash), {
    records: position + 1,
    bad: null,
    hasHead: true,
  })
})

const crashes = ['write', 'read', 'append', 'rebase'] as const
for (const at of crashes)
  test(`a crash at ${at} loses nothing, and sealing again makes it good`, async (t) => {
    const world = await busyWorld()
    await endAll(world)
    const archives = memoryArchives()
    const crash = (): never => {
      throw new BackendError('unavailable', 'the power went off')
    }
    const { append, rebase } = world.journal
    const journal = world.journal as { -readonly [K in keyof JournalStore]: JournalStore[K] }
    if (at === 'append') journal.append = async () => crash()
    if (at === 'rebase') journal.rebase = async () => crash()
    const failing = { ...archives, ...(at === 'write' || at === 'read' ? { [at]: crash } : {}) }
    await t.throwsAsync(world.fence.seal(failing), { message: 'the power went off' })
    Object.assign(journal, { append, rebase })
    const { repository } = world.fence
    await world.restart()
    const whole = { journal, archives }
    t.is((await verifyOne(whole, repository, undefined)).bad, null)
    const before = plainState(world.fence.state)
    const { position } = world.fence.head
    t.is((await world.fence.seal(archives))?.to, position)
    await world.restart()
    t.deepEqual(plainState(world.fence.state), { ...before, position: position + 1 })
    t.is((await verifyOne(whole, repository, undefined)).records, position + 1)
  })

test('a base that is not the one that was sealed is refused', async (t) => {
  const world = await busyWorld()
  await endAll(world)
  await world.fence.seal(memoryArchives())
  const { base } = world.journal
  Object.assign(world.journal, {
    base: async (...args: Parameters<typeof base>): Promise<JournalBase | undefined> => {
      const found = await base(...args)
      return found && { ...found, text: found.text.replace('"generation":2', '"generation":1') }
    },
  })
  await t.throwsAsync(world.restart(), {
    instanceOf: BackendError,
    message: /not the one that was/,
  })
})

test('a journal with a record that was rewritten is refused at the start', async (t) => {
  const world = await busyWorld()
  const { read } = world.journal
  const journal: JournalStore = world.journal
  Object.assign(journal, {
    read: async (...where: Parameters<JournalStore['read']>) => {
      const records = await read(...where)
      return records.map((one) => (one.position === 2 ? { ...one, time: one.time + 1 } : one))
    },
  })
  await t.throwsAsync(world.restart(), {
    instanceOf: BackendError,
    code: 'corrupt',
    message: /record 2 .* does not follow/,
  })
  Object.assign(journal, { read })
  await t.notThrowsAsync(world.restart())
})

test('an archive that is missing or was tampered with is found', async (t) => {
  const world = await busyWorld()
  await endAll(world)
  const files = new Map<string, readonly string[]>()
  const archives = memoryArchives(files)
  const archive = await world.fence.seal(archives)
  if (archive === undefined) return t.fail()
  const whole = { journal: world.journal, archives }
  const { repository } = world.fence
  const lines = files.get(archive.name) ?? []
  const tampered = lines.map((line) =>
    line.replace('"verb\\":\\"upload', '"verb\\":\\"deletion'),
  )
  t.notDeepEqual(tampered, lines)
  for (const bad of [tampered, lines.slice(0, -1), lines.toSpliced(3, 1), ['not JSON']]) {
    files.set(archive.name, bad)
    const { bad: found } = await verifyOne(whole, repository, undefined)
    t.regex(found?.why ?? '', /archive .* is damaged/)
  }
  files.delete(archive.name)
  const { bad } = await verifyOne(whole, repository, undefined)
  t.is(bad?.position, 1)
  t.regex(bad?.why ?? '', /there is no archive/)
  await world.restart()
  t.pass('the gateway itself does not need it')
})

test('wherever the journal is sealed, the state is that of all its records', async (t) => {
  const step = fc.record({
    who: fc.nat(3),
    where: fc.nat(5),
    what: fc.constantFrom(
      ...(['open', 'look', 'lock', 'unlock', 'index', 'data', 'snapshot', 'delete'] as const),
      ...(['seal', 'seal', 'restart', 'raise', 'end', 'pass'] as const),
    ),
    which: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = await World.create({ standing: [index('1'), data('1'), lock('0')] })
      const archives = memoryArchives()
      const clients = Array.from({ length: 4 }, () => world.client())
      const channels = Array.from({ length: 6 }, () => world.channel())
      for (const { who, where, what, which } of steps) {
        const [client, channel] = [clients[who], channels[where]]
        if (client === undefined || channel === undefined) continue
        const name = `${which}`
        if (what === 'open') await client.open(channel)
        else if (what === 'look') await client.look(channel)
        else if (what === 'unlock') await client.delete(lock(name), channel)
        else if (what === 'delete') await client.delete(index(name), channel)
        else if (what === 'seal') await world.fence.seal(archives)
        else if (what === 'raise') await world.fence.raise('root', 'test')
        else if (what === 'end') await endAll(world)
        else if (what === 'pass') world.pass(which * 30 * minutes)
        else if (what === 'restart') {
          await world.fence.flush()
          await world.restart()
        } else await client.post({ lock, index, data, snapshot }[what](name), channel)
      }
      await world.fence.flush()
      await world.restart()
      const records = await allRecords(world, archives)
      t.is(records.length, world.fence.head.position)
      const withoutTries = ({ items, ...rest }: ReturnType<typeof plainState>) => ({
        ...rest,
        items: items.map((item) => ({ ...item, tries: 0, lastTry: 0, lastTryRan: 0 })),
      })
      t.deepEqual(withoutTries(plainState(world.fence.state)), withoutTries(folded(records)))
    }),
    { numRuns: 150 },
  )
})
