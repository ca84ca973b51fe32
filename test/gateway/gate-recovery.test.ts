/** What the gate makes good after a fault of the store or the journal, and after a crash at each step. */
import test, { type ExecutionContext } from 'ava'
import { parseEvent } from '../../fencing/journal/event.js'
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError, type JournalStore, type ObjectStore } from '../../fencing/ports.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { eventually } from '../end-to-end/harness/wait.js'
import type { StoreCall } from './watched-store.js'

const repository = 'repo' as RepositoryId
const config = 'config' as ObjectName
const never = new AbortController().signal

function visitor(id: string): Visitor {
  const channel: Channel = { id, openedAt: realClock.monotonic(), isHidden: false }
  return { channel, client: { address: '192.0.2.1' }, isAppendOnly: false }
}

function upload(
  { gate }: GateWithParts,
  from: Visitor,
  object: ObjectName,
  content: string,
): Promise<Outcome> {
  const chunks = (async function* () {
    yield Buffer.from(content)
  })()
  const body = { chunks, drain: async () => undefined }
  return gate.upload(from, repository, object, body, never)
}

/** A repository with a writer that has begun and looked. */
async function begun(parts: GateWithParts, channel = 'a'): Promise<Visitor> {
  const from = visitor(channel)
  await parts.gate.create(from, repository)
  await upload(parts, from, config, 'config')
  await parts.gate.begin(from, repository)
  await parts.gate.list(from, repository, 'index')
  return from
}

async function heldIn({ store }: GateWithParts): Promise<Record<string, number>> {
  const [staging, quarantine] = await Promise.all([
    store.held(repository, 'staging'),
    store.held(repository, 'quarantine'),
  ])
  return { staging: staging.length, quarantine: quarantine.length }
}

async function fault(t: ExecutionContext, act: Promise<unknown>): Promise<void> {
  await t.throwsAsync(act, { instanceOf: BackendError })
}

test('while the store cannot publish, every retry fails, and one copy is held for the day it can', async (t) => {
  const parts = buildGate()
  const from = await begun(parts)
  const index = nameOf('index', 'index')
  parts.watched.failing = (call) => (call === 'publish' ? 'unavailable' : undefined)
  for (let tries = 0; tries < 3; tries += 1) await fault(t, upload(parts, from, index, 'index'))
  t.deepEqual(await heldIn(parts), { staging: 1, quarantine: 0 })
  parts.watched.failing = () => undefined
  t.is((await upload(parts, from, index, 'index')).kind, 'done')
  t.is(await parts.store.stat(repository, index), 5)
  t.deepEqual(await heldIn(parts), { staging: 0, quarantine: 0 })
})

test('what failed is carried out by the regular check, without another try', async (t) => {
  const parts = buildGate()
  const from = await begun(parts)
  const snapshot = nameOf('snapshots', 'snapshot')
  parts.watched.failing = (call) => (call === 'publish' ? 'no-space' : undefined)
  await fault(t, upload(parts, from, snapshot, 'snapshot'))
  await parts.fences.tick()
  t.is(parts.faults.length, 1)
  t.is(await parts.store.stat(repository, snapshot), undefined)
  parts.watched.failing = () => undefined
  await parts.fences.tick()
  t.is(await parts.store.stat(repository, snapshot), 8)
  t.deepEqual(await heldIn(parts), { staging: 0, quarantine: 0 })
})

/** A gateway that died when an object had been published, and before it heard of it; then somebody removed the object. */
async function removedUnheard(
  t: ExecutionContext,
  type: ListedType,
): Promise<Parameters<typeof upload>> {
  const inner = memoryStore()
  const published = inner.publish.bind(inner)
  const word = { isLost: false }
  const store: ObjectStore = {
    ...inner,
    publish: async (...args) => {
      const result = await published(...args)
      if (word.isLost) throw new BackendError('unavailable', 'its word is lost')
      return result
    },
  }
  const journal = memoryJournal()
  const parts = buildGate({ store, journal })
  const from = await begun(parts)
  const object = nameOf(type, 'bytes')
  word.isLost = true
  await fault(t, upload(parts, from, object, 'bytes'))
  word.isLost = false
  t.is(await inner.stat(repository, object), 5)
  await inner.remove(repository, object)
  return [buildGate({ store, journal }), from, object, 'bytes']
}

for (const type of ['index', 'data'] as const) {
  test(`removed past the gateway before its record was settled: of ${type}, an outside maintenance`, async (t) => {
    const again = await removedUnheard(t, type)
    const [started] = again
    const fence = await started.fences.of(repository)
    t.is(Number(fence?.state.generation), 2)
    t.like(await upload(...again), { reason: 'stale' })
    t.deepEqual(await heldIn(started), { staging: 0, quarantine: 1 })
    const restarted = buildGate(started)
    t.is(Number((await restarted.fences.of(repository))?.state.generation), 2, 'and once')
  })
}

for (const type of ['snapshots', 'locks', 'keys'] as const) {
  test(`removed past the gateway before its record was settled: of ${type}, it overtakes nobody`, async (t) => {
    const again = await removedUnheard(t, type)
    const [started] = again
    const fence = await started.fences.of(repository)
    t.is(Number(fence?.state.generation), 1)
    t.is(fence?.state.outside?.vanished, 1)
    t.like(await upload(...again), { kind: 'done' })
    t.is(await started.store.stat(repository, again[2]), 5)
  })
}

test('what is removed past the gateway at once is not told to be there', async (t) => {
  const inner = memoryStore()
  const publish: ObjectStore['publish'] = async (id, held, object) => {
    await inner.discard(id, held)
    return inner.publish(id, held, object)
  }
  const hand = { isIn: false }
  const store: ObjectStore = {
    ...inner,
    publish: async (...args) => (hand.isIn ? publish(...args) : inner.publish(...args)),
  }
  const parts = buildGate({ store })
  const from = await begun(parts)
  hand.isIn = true
  await fault(t, upload(parts, from, nameOf('snapshots', 'snapshot'), 'snapshot'))
  hand.isIn = false
  t.like(await upload(parts, from, nameOf('snapshots', 'snapshot'), 'snapshot'), {
    kind: 'done',
  })
  t.is(await inner.stat(repository, nameOf('snapshots', 'snapshot')), 8)
})

test('an index whose place was taken and is free again is not given up while its bytes are held', async (t) => {
  const inner = memoryStore()
  const place = { isTaken: false }
  const publish: ObjectStore['publish'] = async (...args) =>
    place.isTaken ? 'exists' : inner.publish(...args)
  const parts = buildGate({ store: { ...inner, publish } })
  const from = await begun(parts)
  const index = nameOf('index', 'index')
  place.isTaken = true
  await fault(t, upload(parts, from, index, 'index'))
  t.deepEqual(await heldIn(parts), { staging: 1, quarantine: 0 })
  place.isTaken = false
  await parts.fences.tick()
  t.is(await inner.stat(repository, index), 5)
})

test('an effect of the regular check itself is tried again too', async (t) => {
  const time = { ms: 1_000_000 }
  const parts = buildGate({ clock: { ...realClock, running: () => time.ms } })
  await begun(parts)
  const stranger = visitor('b')
  const { gate, fences, store, watched } = parts
  const index = nameOf('index', 'of a stranger')
  const fence = await fences.of(repository)
  await fence?.raise('operator', 'test')
  t.is((await upload(parts, stranger, index, 'of a stranger')).kind, 'refused')
  t.deepEqual(await heldIn(parts), { staging: 0, quarantine: 1 })
  time.ms += 91 * 24 * 60 * 60_000
  watched.failing = (call) => (call === 'discard' ? 'unavailable' : undefined)
  await fences.tick()
  t.is(parts.faults.length, 1)
  watched.failing = () => undefined
  await fences.tick()
  t.deepEqual(await store.held(repository, 'quarantine'), [])
  gate.close()
})

test('so is the removal of a lock that goes with a run that was silent for too long', async (t) => {
  const time = { ms: 1_000_000 }
  const since = (): number => time.ms
  const parts = buildGate({ clock: { ...realClock, monotonic: since, running: since } })
  const from = await begun(parts)
  const { gate, fences, store, watched } = parts
  const lock = nameOf('locks', 'lock')
  await upload(parts, from, lock, 'lock')
  time.ms += 15 * 24 * 60 * 60_000
  watched.failing = (call) => (['remove', 'unlink'].includes(call) ? 'unavailable' : undefined)
  await fences.tick()
  t.is(parts.faults.length, 1)
  t.is(await store.stat(repository, lock), 4)
  watched.failing = () => undefined
  await fences.tick()
  t.is(await store.stat(repository, lock), undefined)
  gate.close()
})

/** The journal has the batch, and the gateway does not hear of it. */
function losingAnswers(inner: JournalStore): JournalStore & { isLosing: boolean } {
  return {
    ...inner,
    isLosing: false,
    async append(batch) {
      await inner.append(batch)
      if (this.isLosing) throw new BackendError('unavailable', 'the answer was lost')
    },
  }
}

test('bytes of a commit that waits are kept where its deletion never reached the journal', async (t) => {
  const journal = memoryJournal()
  const state = { isFull: false }
  const append: JournalStore['append'] = async (batch) => {
    if (state.isFull) throw new BackendError('no-space', 'the disk of the journal is full')
    await journal.append(batch)
  }
  const parts = buildGate({ journal: { ...journal, append } })
  const from = await begun(parts)
  const lock = nameOf('locks', 'lock')
  parts.watched.failing = (call) => (call === 'publish' ? 'no-space' : undefined)
  await fault(t, upload(parts, from, lock, 'lock'))
  const fence = await parts.fences.of(repository)
  state.isFull = true
  await t.throwsAsync(async () => {
    for (const { id } of fence?.livingWriters() ?? []) await fence?.endWriter(id, 'root')
  })
  parts.watched.failing = () => undefined
  await parts.fences.tick()
  state.isFull = false
  await parts.fences.of(repository)
  await parts.fences.tick()
  t.is(await parts.store.stat(repository, lock), 4)
})

test('bytes whose record may be in the journal are kept until it is read again', async (t) => {
  const journal = losingAnswers(memoryJournal())
  const parts = buildGate({ journal })
  const from = await begun(parts)
  const index = nameOf('index', 'index')
  journal.isLosing = true
  await fault(t, upload(parts, from, index, 'index'))
  journal.isLosing = false
  t.is((await upload(parts, from, index, 'index')).kind, 'done')
  t.is(await parts.store.stat(repository, index), 5)
  t.deepEqual(await heldIn(parts), { staging: 0, quarantine: 0 })
})

test('bytes whose record never reached the journal are dropped once it is read again', async (t) => {
  const inner = memoryJournal()
  const state = { isFailing: false }
  const append: JournalStore['append'] = async (batch) => {
    if (state.isFailing) throw new BackendError('unavailable', 'no journal')
    await inner.append(batch)
  }
  const parts = buildGate({ journal: { ...inner, append } })
  const from = await begun(parts)
  const index = nameOf('index', 'index')
  state.isFailing = true
  for (let tries = 0; tries < 3; tries += 1) await fault(t, upload(parts, from, index, 'index'))
  t.is(await parts.store.stat(repository, index), undefined)
  state.isFailing = false
  t.is(await parts.gate.stat(from, repository, index), undefined)
  t.deepEqual(await heldIn(parts), { staging: 0, quarantine: 0 })
  t.is((await upload(parts, from, index, 'index')).kind, 'done')
})

test('a lock that leaves with its fenced writer while it is being deleted is deleted once', async (t) => {
  const [inner, journal] = [memoryStore(), memoryJournal()]
  const lock = nameOf('locks', 'lock')
  let meanwhile = async (): Promise<void> => undefined
  const stat: ObjectStore['stat'] = async (where, object) => {
    const size = await inner.stat(where, object)
    if (object === lock) await meanwhile()
    return size
  }
  const parts = buildGate({ store: { ...inner, stat }, journal })
  const from = await begun(parts)
  await upload(parts, from, lock, 'lock')
  let told: Promise<Outcome> | undefined
  meanwhile = async () => {
    const fence = await parts.fences.of(repository)
    await fence?.raise('operator', 'test')
    told = upload(parts, from, nameOf('snapshots', 'snapshot'), 'snapshot')
    await eventually('the lock to be deleted', () => fence?.state.locks.has(lock) === false)
  }
  t.is((await parts.gate.delete(from, repository, lock, never)).kind, 'done')
  t.is((await told)?.kind, 'refused')
  const events = (await journal.read(repository, 0, 100)).map(({ body }) => parseEvent(body))
  const deletions = events.filter((event) => event?.kind === 'deleted')
  t.deepEqual(
    deletions.map((event) => event.cause),
    ['fenced'],
  )
})

/** Dies at the given call: nothing after it reaches the store or the journal. */
function dyingAt(store: ObjectStore, journal: JournalStore, at: number) {
  const state = { calls: 0, isArmed: false }
  const guard = <T extends object>(inner: T, names: ReadonlySet<string>): T =>
    Object.fromEntries(
      Object.entries(inner).map(([name, act]) => [
        name,
        async (...args: unknown[]): Promise<unknown> => {
          if (state.isArmed && (state.calls >= at || names.has(name))) {
            state.calls += names.has(name) ? 1 : 0
            if (state.calls >= at) throw new BackendError('unavailable', 'the power is gone')
          }
          return (act as (...all: unknown[]) => Promise<unknown>).apply(inner, args)
        },
      ]),
    ) as T
  const storeSteps: ReadonlySet<StoreCall> = new Set([
    'stage',
    'publish',
    'keep',
    'discard',
    'remove',
  ])
  return {
    state,
    store: guard(store, storeSteps),
    journal: guard(journal, new Set(['append', 'settle', 'noteTries'])),
  }
}

const stepsMax = 8

for (const what of ['upload', 'deletion', 'refused upload'] as const) {
  test(`a crash at any step of an ${what} is carried through at the next start`, async (t) => {
    const endings = new Set<string>()
    for (let at = 1; at <= stepsMax; at += 1) {
      const [store, journal] = [memoryStore(), memoryJournal()]
      const dying = dyingAt(store, journal, at)
      const parts = buildGate({ store: dying.store, journal: dying.journal })
      const from = await begun(parts)
      const object = nameOf('snapshots', 'snapshot')
      if (what === 'deletion') {
        const uploaded = await upload(parts, from, object, 'snapshot')
        if (uploaded.kind === 'done') uploaded.delivered()
      }
      // Another run's snapshot is really deleted; its own would only be taken back.
      const deleter = what === 'deletion' ? await begun(parts, 'b') : from
      if (what === 'refused upload')
        await (await parts.fences.of(repository))?.raise('me', 'why')
      dying.state.isArmed = true
      const told = await (
        what === 'deletion'
          ? parts.gate.delete(deleter, repository, object, never)
          : upload(parts, from, object, 'snapshot')
      ).then(
        ({ kind }) => kind,
        () => 'nothing',
      )
      const again = buildGate({ store, journal })
      await again.fences.of(repository)
      const isThere = (await store.stat(repository, object)) !== undefined
      const { staging, quarantine } = await heldIn(again)
      t.is(staging, 0, `step ${at}`)
      t.deepEqual(await journal.unsettled(repository), [], `step ${at}`)
      if (told === 'done') t.is(isThere, what === 'upload', `step ${at}`)
      if (told === 'refused') t.is(quarantine, 1, `step ${at}`)
      if (what === 'refused upload') t.false(isThere, `step ${at}`)
      endings.add(`${told} ${what === 'refused upload' ? quarantine : isThere}`)
    }
    // Before the record nothing has happened, after it everything will have, and at last the client hears of it.
    const expected = {
      upload: ['done true', 'nothing false', 'nothing true'],
      deletion: ['done false', 'nothing false', 'nothing true'],
      'refused upload': ['nothing 0', 'nothing 1', 'refused 1'],
    }[what]
    t.deepEqual([...endings].sort(), expected)
  })
}

test('staging that no record names is cleaned at start, and what stands there is adopted', async (t) => {
  const store = memoryStore()
  const parts = buildGate({ store })
  const from = await begun(parts)
  await upload(parts, from, nameOf('index', 'index'), 'index')
  await store.stage(
    repository,
    'abc',
    (async function* () {
      yield Buffer.from('half')
    })(),
  )
  const again = buildGate({ store })
  t.deepEqual(await again.gate.list(visitor('b'), repository, 'index'), [
    { id: nameOf('index', 'index').slice('index/'.length), size: 5 },
  ])
  t.deepEqual(await heldIn(again), { staging: 0, quarantine: 0 })
})
