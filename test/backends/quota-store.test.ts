/** A store with a bound on its bytes: what is counted, what is refused, and that nothing else walks over packs. */
import test from 'ava'
import { createHash } from 'node:crypto'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { withQuota, type Quota } from '../../backends/quota-store.js'
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import { behaviours, conforms } from '../conformance/object-store.js'

const laptop = 'laptop' as RepositoryId
const forever = new AbortController().signal

function named(type: ListedType, bytes: Buffer): ObjectName {
  return `${type}/${createHash('sha256').update(bytes).digest('hex')}` as ObjectName
}

async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10) yield bytes.subarray(at, at + 10)
}

let ids = 0
async function put(store: ObjectStore, type: ListedType, size: number): Promise<ObjectName> {
  ids += 1
  const bytes = Buffer.alloc(size, ids)
  const object = named(type, bytes)
  const id = `staged${ids}`
  await store.stage(laptop, id, inChunks(bytes), undefined, object)
  await store.publish(laptop, { area: 'staging', id }, object)
  return object
}

async function counted(quota: Quota): Promise<number> {
  return quota.count(forever, () => undefined)
}

const noSpace = { instanceOf: BackendError, message: /do not fit/ }

for (const behaviour of Object.keys(behaviours)) {
  const quota = async (): Promise<ObjectStore> => {
    const bounded = withQuota({ store: memoryStore(), bytesMax: 1e12 })
    await counted(bounded)
    return bounded.store
  }
  test('quota', conforms, quota, behaviour)
}

test('locks and the like may take some room beyond the bound, and no more', async (t) => {
  const inner = memoryStore()
  await inner.create(laptop)
  const quota = withQuota({ store: inner, bytesMax: 1000 })
  await counted(quota)
  await put(quota.store, 'data', 1000)
  const lock = await put(quota.store, 'locks', 500)
  t.notThrows(() => quota.store.requireSpace?.(lock, 60 * 1024 ** 2))
  t.throws(() => quota.store.requireSpace?.(lock, 64 * 1024 ** 2), noSpace)
})

test('packs of all repositories are counted, and refused once they do not fit', async (t) => {
  const inner = memoryStore()
  await inner.create(laptop)
  await put(inner, 'data', 400)
  await put(inner, 'snapshots', 100)
  const quota = withQuota({ store: inner, bytesMax: 1000 })
  t.is(await counted(quota), 500)
  const pack = await put(quota.store, 'data', 450)
  t.throws(() => quota.store.requireSpace?.(pack, 51), noSpace, 'before anything is staged')
  t.notThrows(() => quota.store.requireSpace?.(pack, 50))
  await t.throwsAsync(put(quota.store, 'data', 51), noSpace, 'and while it streams')
  t.deepEqual(await inner.held(laptop, 'staging'), [], 'of which nothing stays')
  await t.notThrowsAsync(put(quota.store, 'data', 50), 'nor counts')
  await t.throwsAsync(put(quota.store, 'data', 1), noSpace)
  await t.notThrowsAsync(put(quota.store, 'locks', 200), 'a full store can be pruned')
  await quota.store.remove(laptop, pack)
  await quota.store.remove(laptop, pack)
  await t.throwsAsync(put(quota.store, 'data', 251), noSpace)
  await t.notThrowsAsync(put(quota.store, 'data', 250))
})

test('quarantined bytes count until they are dropped', async (t) => {
  const { store, count } = withQuota({ store: memoryStore(), bytesMax: 1000 })
  await store.create(laptop)
  await count(forever, () => undefined)
  const object = named('data', Buffer.alloc(600))
  await store.stage(laptop, 'a', inChunks(Buffer.alloc(600)), undefined, object)
  await store.keep(laptop, 'a', 'q-1')
  t.throws(() => store.requireSpace?.(object, 401), noSpace)
  await store.discard(laptop, { area: 'quarantine', id: 'q-1' })
  t.notThrows(() => store.requireSpace?.(object, 1000))
})

test('until everything is counted packs are put off, and all else is served', async (t) => {
  const inner = memoryStore()
  await inner.create(laptop)
  await put(inner, 'data', 400)
  const { store, count } = withQuota({ store: inner, bytesMax: 1000 })
  await t.throwsAsync(put(store, 'data', 1), { message: /still being counted/ })
  const lock = await put(store, 'locks', 100)
  t.is(await store.stat(laptop, lock), 100)
  t.is((await store.list(laptop, 'data'))?.length, 1)
  await store.remove(laptop, lock)
  const seen: number[] = []
  await count(forever, ({ bytes }) => seen.push(bytes))
  t.is(seen.at(-1), 500, 'what came and went meanwhile is on the full side')
  await t.notThrowsAsync(put(store, 'data', 1))
})

test('an end in the middle of counting ends it', async (t) => {
  const inner = memoryStore()
  await inner.create(laptop)
  const ending = new AbortController()
  const { count } = withQuota({ store: inner, bytesMax: 1 })
  const counting = count(ending.signal, () => ending.abort())
  await t.throwsAsync(counting, { any: true, name: 'AbortError' })
})
