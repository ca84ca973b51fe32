/** Bytes on their way to quarantine or to their place: who takes them away meanwhile waits until they are there. */
import test from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { ObjectStore } from '../../fencing/ports.js'
import { memoryArchives } from '../../backends/memory/memory-archives.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { RecordSearch } from '../../backends/record-search/record-search.js'
import { Recordings } from '../../gateway/operate/admin/following.js'
import { AdminService } from '../../gateway/operate/admin/service.js'
import { TokenFile } from '../../gateway/operate/identity/token-file.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
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
  const clock = { ...realClock, running: () => time.ms }
  const parts = buildGate({ store: { ...inner, keep }, clock })
  const { upload, fence } = await begun(parts)
  await fence.raise('operator', 'test')
  const told = upload(nameOf('index', 'late'), 'late')
  await eventually('the refusal to be recorded', () => fence.state.items.size === 1)
  const admin = adminOf(parts)
  const [item] = await admin.items({ isWhole: false })
  return { ...parts, admin, id: item?.id ?? '', told, time, goOn }
}

interface Begun {
  readonly fence: RepositoryFence
  readonly upload: (object: ObjectName, content: string) => Promise<Outcome>
}

/** A repository in which one run has looked. */
async function begun({ gate, fences }: GateWithParts): Promise<Begun> {
  const from = visitor('a')
  const { signal } = new AbortController()
  const upload = (object: ObjectName, content: string): Promise<Outcome> => {
    const chunks = (async function* () {
      yield Buffer.from(content)
    })()
    const body = { chunks, drain: async (): Promise<void> => undefined }
    return gate.upload(from, repository, object, body, signal)
  }
  await gate.create(from, repository)
  await upload('config' as ObjectName, 'config')
  await gate.begin(from, repository)
  await gate.list(from, repository, 'index')
  const fence = await fences.of(repository)
  if (fence === undefined) throw new Error('the repository is gone')
  return { fence, upload }
}

function adminOf(parts: GateWithParts): AdminService {
  return new AdminService({
    ...parts,
    archives: memoryArchives(),
    recordings: new Recordings(),
    search: new RecordSearch({ file: ':memory:', journal: parts.journal }),
    tokens: new TokenFile('/nowhere/tokens.json', () => 0),
  })
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

test('bytes that grow old while they are still being kept leave nothing behind', async (t) => {
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

const leavings: Record<string, (parts: GateWithParts, begun: Begun) => Promise<unknown>> = {
  ended: async (parts, { fence }) => {
    const [writer] = fence.livingWriters()
    return adminOf(parts).endWriter(writer?.id ?? '', 'operator')
  },
  fenced: async (_parts, { fence, upload }) => {
    await fence.raise('operator', 'test')
    return upload(nameOf('snapshots', 'late'), 'late')
  },
}

for (const [cause, leave] of Object.entries(leavings)) {
  test(`a lock that is on its way to its place while its writer is ${cause} goes once it is there`, async (t) => {
    const inner = memoryStore()
    let goOn = (): void => undefined
    const mayPublish = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const lock = nameOf('locks', 'lock')
    const publish: ObjectStore['publish'] = async (...args) => {
      if (args[2] === lock) await mayPublish
      return inner.publish(...args)
    }
    const parts = buildGate({ store: { ...inner, publish } })
    const begunThere = await begun(parts)
    const { upload, fence } = begunThere
    const told = upload(lock, 'lock')
    await eventually('the lock to be recorded', () => fence.state.locks.has(lock))
    const left = leave(parts, begunThere)
    await settled()
    goOn()
    await left
    t.is((await told).kind, 'done')
    t.is(await inner.stat(repository, lock), undefined)
  })
}
