/** One repository's disk hangs: the others' checks and removals go on. */
import test from 'ava'
import { setImmediate } from 'node:timers/promises'
import { memoryStore } from '../../backends/memory/memory-store.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Clock, ObjectStore } from '../../fencing/ports.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { buildGate, nameOf } from './door.js'

const sick = 'a-sick' as RepositoryId
const well = 'b-well' as RepositoryId
const config = 'config' as ObjectName
const days = 24 * 60 * 60_000
const never = new AbortController().signal

/** Removals of the sick one hang, in the way of the store: one after another, or many made durable together. */
function hanging(store: ObjectStore, way: 'remove' | 'syncUnlinked'): ObjectStore {
  const forever = new Promise<never>(() => undefined)
  const { remove } = store
  if (way === 'remove')
    return {
      ...store,
      remove: (repository, object) =>
        repository === sick ? forever : remove(repository, object),
    }
  return {
    ...store,
    unlink: remove,
    syncUnlinked: async (repository) => {
      if (repository === sick) await forever
    },
  }
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<boolean> {
  for (let turns = 0; turns < 1000; turns += 1) {
    if (await isSo()) return true
    await setImmediate()
  }
  return false
}

for (const way of ['remove', 'syncUnlinked'] as const)
  test(`a disk that hangs at ${way} holds up no other repository's check`, async (t) => {
    const time = { now: 1000 }
    const clock: Clock = {
      now: () => time.now,
      monotonic: () => time.now,
      running: () => time.now,
      timer: () => () => undefined,
    }
    const inner = memoryStore()
    const { gate, fences } = buildGate({ clock, store: hanging(inner, way) })
    const lockIn = async (repository: RepositoryId, name: string): Promise<ObjectName> => {
      const channel = { id: `${repository} ${name}`, openedAt: time.now, isHidden: false }
      const client = { address: '192.0.2.1' }
      const visitor: Visitor = { channel, client, tag: name, isAppendOnly: false }
      await gate.create(visitor, repository)
      await inner.stage(repository, 'a', chunksOf('config'), undefined, config)
      await inner.publish(repository, { area: 'staging', id: 'a' }, config)
      await gate.begin(visitor, repository)
      const lock = nameOf('locks', name)
      const body = { chunks: chunksOf(name), drain: async () => undefined }
      await gate.upload(visitor, repository, lock, body, never)
      t.not(await inner.stat(repository, lock), undefined)
      return lock
    }
    await lockIn(sick, 'first')
    const first = await lockIn(well, 'first')
    time.now += 15 * days
    const ticked = fences.tick()
    if (way === 'syncUnlinked') await ticked
    const isGone = async (lock: ObjectName): Promise<boolean> =>
      (await inner.stat(well, lock)) === undefined
    t.true(await until(() => isGone(first)), 'the lock of a silent run is gone')
    const second = await lockIn(well, 'second')
    time.now += 15 * days
    void fences.tick()
    t.true(await until(() => isGone(second)), 'and so is that of the next')
    const settled = fences.flush()
    if (way === 'remove') await settled
    const fence = await fences.of(well)
    t.true(await until(() => fence?.state.pendingDeletions.size === 0), 'and both are settled')
  })
