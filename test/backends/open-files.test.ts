/** What is kept open after it was read, and when it is let go. */
import test, { type ExecutionContext } from 'ava'
import { rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { localDisk } from '../../backends/local/disk.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import type { ObjectStore } from '../../fencing/ports.js'
import { nameOf, put, repositoryNamed } from '../conformance/object-store.js'
import { temporaryFolder } from './temporary-folder.js'

const r = repositoryNamed('r')
const bytes = Buffer.from('the bytes of a pack')
const pack = nameOf('data', bytes)
const lock = nameOf('locks', bytes)
const patienceMs = 10_000

interface Counted {
  readonly store: ObjectStore
  readonly path: string
  /** How often an object was opened to be read. */
  readonly opened: () => number
}

async function holding(t: ExecutionContext): Promise<Counted> {
  const root = await temporaryFolder(t)
  let opened = 0
  const open: typeof localDisk.open = (path, ...rest) => {
    if (path.endsWith(pack.slice(-60))) opened += 1
    return localDisk.open(path, ...rest)
  }
  const store = await openLocalStore({ root, disk: { ...localDisk, open } })
  await store.create(r)
  await put(store, r, pack, bytes)
  const digest = pack.slice('data/'.length)
  const path = join(root, 'r', 'data', digest.slice(0, 2), digest)
  return { store, path, opened: () => opened }
}

async function read(
  store: ObjectStore,
  range?: { start: number; end: number },
): Promise<string> {
  const found = await store.open(r, pack)
  return found === undefined ? 'nothing' : (await buffer(found.read(range))).toString()
}

test('many ranges of one pack, also at once, open it once', async (t) => {
  const { store, opened } = await holding(t)
  t.is(await read(store), bytes.toString())
  const parts = await Promise.all(
    Array.from({ length: 20 }, (_, at) => read(store, { start: at % 10, end: at % 10 })),
  )
  t.is(parts.slice(0, 10).join(''), bytes.subarray(0, 10).toString())
  t.is(opened(), 1)
})

test('a pack that was removed is gone at once, and put again it is read anew', async (t) => {
  const { store, opened } = await holding(t)
  const before = await store.open(r, pack)
  await store.remove(r, pack)
  t.is(await read(store), 'nothing')
  await put(store, r, pack, bytes)
  t.is(await read(store), bytes.toString())
  t.is(opened(), 3)
  t.is(
    (await buffer(before?.read() ?? Readable.from([]))).toString(),
    bytes.toString(),
    'who reads is not cut off',
  )
})

test('what becomes of a pack past the store is seen before long', async (t) => {
  const { store, path } = await holding(t)
  t.is(await read(store), bytes.toString())
  await rename(path, `${path}-away`)
  const deadline = performance.now() + patienceMs
  while ((await read(store)) !== 'nothing' && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.is(await read(store), 'nothing')
})

test('what is no pack is opened anew each time: only packs never change', async (t) => {
  const { store, path } = await holding(t)
  await put(store, r, lock, bytes)
  const file = path.replace(/data\/..\//, 'locks/')
  const found = await store.open(r, lock)
  t.is((await buffer(found?.read() ?? Readable.from([]))).length, bytes.length)
  await unlink(file)
  t.is(await store.open(r, lock), undefined)
})
