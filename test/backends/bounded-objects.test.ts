/** How large each kind of object may be: what is more is refused before it is staged, and while it streams. */
import test from 'ava'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { objectBytesMax, withBoundedObjects } from '../../backends/bounded-objects.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import type { ObjectName } from '../../fencing/object.js'
import { behaviours, conforms, nameOf, repository } from '../conformance/object-store.js'

const tooLarge = { instanceOf: BackendError, code: 'too-large' } as const
const bounded = async (): Promise<ObjectStore> => withBoundedObjects(memoryStore())

for (const behaviour of Object.keys(behaviours)) {
  test('bounded objects', conforms, bounded, behaviour)
}

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(256 * 1024)
  for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, left)
}

test('a config, key or lock has a MiB at most, whatever its sender says of its size', async (t) => {
  const store = await bounded()
  await store.create(repository)
  const name = Buffer.from('x')
  for (const object of ['config' as ObjectName, nameOf('keys', name), nameOf('locks', name)]) {
    const max = objectBytesMax[object === 'config' ? 'config' : 'keys'] ?? 0
    t.throws(() => store.requireSpace?.(object, max + 1), tooLarge)
    t.notThrows(() => store.requireSpace?.(object, max))
    const staging = store.stage(repository, 'large', zeros(max + 1), undefined, object)
    await t.throwsAsync(staging, tooLarge)
    t.deepEqual(await store.held(repository, 'staging'), [])
    await store.stage(repository, 'small', zeros(max), undefined, object)
    await store.discard(repository, { area: 'staging', id: 'small' })
  }
})

test('packs are as large as restic makes them', async (t) => {
  const store = await bounded()
  await store.create(repository)
  const object = nameOf('data', Buffer.from('x'))
  t.notThrows(() => store.requireSpace?.(object, 1e12))
  await t.notThrowsAsync(store.stage(repository, 'pack', zeros(3e6), undefined, object))
})
