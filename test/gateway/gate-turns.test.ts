/** Bytes on their way into quarantine: who takes their item away meanwhile waits until they are there. */
import test from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { ObjectStore } from '../../fencing/ports.js'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { Recordings } from '../../gateway/admin/following.js'
import { AdminService } from '../../gateway/admin/service.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const days = 24 * 60 * 60_000

function visitor(id: string): Visitor {
  const channel = { id, openedAt: realClock.monotonic(), isHidden: false }
  return { channel, client: { address: '192.0.2.1' }, isAppendOnly: false }
}

interface Keeping extends GateWithParts {
  readonly admin: AdminService
  readonly id: string
  readonly told: Promise<Outcome>
  /** The wall clock. */
  readonly time: { ms: number }
  readonly goOn: () => void
}

/** A refused upload that is recorded, and whose bytes the store does not let go of yet. */
async function keeping(): Promise<Keeping> {
  const inner = memoryStore()
  let goOn = (): void => undefined
  const mayKeep = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const keep: ObjectStore['keep'] = async (...args) => {
    await mayKeep
    return inner.keep(...args)
  }
  const time = { ms: 1_000_000 }
  const clock = { ...realClock, now: () => time.ms }
  const parts = buildGate({ store: { ...inner, keep }, clock })
  const { gate, fences } = parts
  const from = visitor('a')
  const { signal } = new AbortController()
  const upload = (object: ObjectName, content: string): Promise<Outcome> => {
    const chunks = (async function* () {
      yield Buffer.from(content)
    })()
    return gate.upload(
      from,
      repository,
      object,
      { chunks, drain: async () => undefined },
      signal,
    )
  }
  await gate.create(from, repository)
  await upload('config' as ObjectName, 'config')
  await gate.begin(from, repository)
  await gate.list(from, repository, 'index')
  const fence = await fences.of(repository)
  await fence?.raise('operator', 'test')
  const told = upload(nameOf('index', 'late'), 'late')
  await eventually('the refusal to be recorded', () => fence?.state.items.size === 1)
  const recordings = new Recordings()
  const admin = new AdminService({ ...parts, archives: memoryArchives(), recordings })
  const [item] = await admin.items({ isWhole: false })
  return { ...parts, admin, id: item?.id ?? '', told, time, goOn }
}

/** Long enough for whatever does not wait. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('an operator who discards an item whose bytes are being kept leaves none of them behind', async (t) => {
  const { admin, store, id, told, goOn } = await keeping()
  const discarded = admin.discard(id, { by: 'operator', reason: 'test' })
  await settled()
  goOn()
  t.is((await discarded).state, 'discarded')
  t.is((await told).kind, 'refused')
  t.deepEqual(await store.held(repository, 'quarantine'), [])
})

test('an item is released only once its bytes have been kept', async (t) => {
  const { admin, store, id, told, goOn } = await keeping()
  const act = { by: 'operator', reason: 'test', isForced: true }
  const released = admin.release(id, act)
  await settled()
  goOn()
  t.is((await released).state, 'released')
  t.is((await told).kind, 'refused')
  t.is(await store.stat(repository, nameOf('index', 'late')), 4)
  t.deepEqual(await store.held(repository, 'quarantine'), [])
})

test('a clock that jumps far ahead while bytes are being kept leaves none of them behind', async (t) => {
  const { fences, store, told, time, goOn } = await keeping()
  time.ms += 91 * days
  const checked = fences.tick()
  await settled()
  goOn()
  await checked
  t.is((await told).kind, 'refused')
  t.deepEqual(await store.held(repository, 'quarantine'), [])
  t.deepEqual(await fences.of(repository).then((fence) => fence?.oldItems(90 * days)), [])
})
