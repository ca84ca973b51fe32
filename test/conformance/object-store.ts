/** What every object store must do: macros over a factory of a fresh, empty store. */
import test, { type ExecutionContext } from 'ava'
import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import {
  listedTypes,
  parseRepositoryId,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import { BackendError, type Held, type ObjectStore } from '../../fencing/ports.js'

export type StoreFactory = (t: ExecutionContext) => Promise<ObjectStore>
type Behaviour = (t: ExecutionContext, store: ObjectStore) => Promise<void>

export const repositoryNamed = (...folders: readonly string[]): RepositoryId => {
  const repository = parseRepositoryId(folders)
  if (repository === undefined) throw new Error(`no repository: ${folders.join('/')}`)
  return repository
}
export const repository = repositoryNamed('backups', 'laptop')
const config = 'config' as ObjectName
export const staging = (id: string): Held => ({ area: 'staging', id })
export const quarantine = (id: string): Held => ({ area: 'quarantine', id })

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')
export const nameOf = (type: ListedType, bytes: Uint8Array): ObjectName =>
  `${type}/${sha256(bytes)}` as ObjectName

export async function* bodyOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

export async function put(
  store: ObjectStore,
  into: RepositoryId,
  object: ObjectName,
  bytes: Uint8Array,
): Promise<void> {
  const id = `put-${randomBytes(6).toString('hex')}`
  await store.stage(into, id, bodyOf(bytes), undefined, object)
  const result = await store.publish(into, staging(id), object)
  if (result !== 'published') throw new Error(`${object} ${result}`)
}

async function bytesOf(store: ObjectStore, object: ObjectName): Promise<Buffer | undefined> {
  const opened = await store.open(repository, object)
  return opened === undefined ? undefined : buffer(opened.read())
}

async function heldBytes(store: ObjectStore, held: Held): Promise<Buffer | undefined> {
  const opened = await store.openHeld(repository, held)
  return opened === undefined ? undefined : buffer(opened.read())
}

const absentPack = nameOf('data', Buffer.from('absent'))

export const behaviours: Readonly<Record<string, Behaviour>> = {
  'a repository exists once it was created, and creating it again changes nothing': async (
    t,
    store,
  ) => {
    t.false(await store.exists(repository))
    t.deepEqual(await store.repositories(), [])
    t.is(await store.list(repository, 'data'), undefined)
    await store.create(repository)
    t.true(await store.exists(repository))
    t.false(await store.exists(repositoryNamed('backups')))
    const bytes = Buffer.from('pack')
    await put(store, repository, nameOf('data', bytes), bytes)
    await store.create(repository)
    t.deepEqual(await bytesOf(store, nameOf('data', bytes)), bytes)
    t.deepEqual(await store.repositories(), [repository])
  },

  'the root, a folder and a folder in it can each be a repository': async (t, store) => {
    const ids = [repositoryNamed(), repositoryNamed('a'), repositoryNamed('a', 'b')]
    for (const id of ids) await store.create(id)
    t.deepEqual((await store.repositories()).sort(), [...ids].sort())
    const bytes = Buffer.from('only in a')
    await put(store, repositoryNamed('a'), nameOf('locks', bytes), bytes)
    for (const id of ids) {
      const entries = (await store.list(id, 'locks')) ?? []
      t.is(entries.length, id === 'a' ? 1 : 0, `"${id}"`)
    }
  },

  'what was staged and published is read, measured and listed': async (t, store) => {
    await store.create(repository)
    for (const type of listedTypes) {
      t.deepEqual(await store.list(repository, type), [])
      const bytes = randomBytes(1000 + type.length)
      await put(store, repository, nameOf(type, bytes), bytes)
      t.is(await store.stat(repository, nameOf(type, bytes)), bytes.length)
      t.deepEqual(await bytesOf(store, nameOf(type, bytes)), bytes)
      const digest = { size: bytes.length, sha256: sha256(bytes) }
      t.deepEqual(await store.digest(repository, nameOf(type, bytes)), digest)
      const entries = (await store.list(repository, type)) ?? []
      t.is(entries.length, 1)
      t.like(entries[0], { id: sha256(bytes), size: bytes.length })
    }
    await put(store, repository, config, Buffer.from('config'))
    t.is(await store.stat(repository, config), 6)
    t.deepEqual(await bytesOf(store, config), Buffer.from('config'))
    t.deepEqual(await store.held(repository, 'staging'), [])
  },

  'what does not exist is undefined, in a repository and where there is none': async (
    t,
    store,
  ) => {
    const check = async (): Promise<void> => {
      for (const object of [config, absentPack]) {
        t.is(await store.stat(repository, object), undefined)
        t.is(await store.open(repository, object), undefined)
        t.is(await store.digest(repository, object), undefined)
        await t.notThrowsAsync(() => store.remove(repository, object))
      }
      for (const held of [staging('none'), quarantine('none')]) {
        t.is(await store.openHeld(repository, held), undefined)
        await t.notThrowsAsync(() => store.discard(repository, held))
        t.deepEqual(await store.held(repository, held.area), [])
      }
    }
    await check()
    await store.create(repository)
    await check()
  },

  'a body is hashed and counted as it comes, in any pieces': async (t, store) => {
    await store.create(repository)
    const bytes = randomBytes(3_000_001)
    const pieces: Uint8Array[] = [Buffer.alloc(0)]
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 1) % 70_001) {
      pieces.push(bytes.subarray(at, at + size))
    }
    const whole = await store.stage(repository, 'pieces', bodyOf(...pieces))
    t.deepEqual(whole, { size: bytes.length, sha256: sha256(bytes) })
    t.true((await heldBytes(store, staging('pieces')))?.equals(bytes))
    const empty = await store.stage(repository, 'empty', bodyOf())
    t.deepEqual(empty, { size: 0, sha256: sha256(Buffer.alloc(0)) })
    t.deepEqual(await heldBytes(store, staging('empty')), Buffer.alloc(0))
  },

  'staged bytes are no object and in no list': async (t, store) => {
    await store.create(repository)
    const bytes = Buffer.from('held')
    const pack = nameOf('data', bytes)
    await store.stage(repository, 's-1', bodyOf(bytes), undefined, pack)
    t.deepEqual(await store.held(repository, 'staging'), ['s-1'])
    t.is(await store.stat(repository, pack), undefined)
    for (const type of listedTypes) t.deepEqual(await store.list(repository, type), [])
  },

  'a body that ends with an error leaves nothing': async (t, store) => {
    await store.create(repository)
    const cut = new Error('the client went away')
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(700_000)
      throw cut
    }
    const thrown = await t.throwsAsync(() => store.stage(repository, 's-1', body()))
    t.is(thrown, cut)
    t.deepEqual(await store.held(repository, 'staging'), [])
    t.is(await store.openHeld(repository, staging('s-1')), undefined)
  },

  'the signal ends a body that is silent, and leaves nothing': async (t, store) => {
    await store.create(repository)
    const ending = new AbortController()
    const reason = new Error('nobody waits any more')
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(1000)
      setImmediate(() => ending.abort(reason))
      await new Promise(() => undefined)
    }
    const silent = store.stage(repository, 's-1', body(), ending.signal)
    t.is(await t.throwsAsync(() => silent), reason)
    const late = store.stage(repository, 's-2', bodyOf(Buffer.from('x')), ending.signal)
    t.is(await t.throwsAsync(() => late), reason)
    t.deepEqual(await store.held(repository, 'staging'), [])
  },

  'a name that is held already is not overwritten': async (t, store) => {
    await store.create(repository)
    await store.stage(repository, 's-1', bodyOf(Buffer.from('first')))
    await t.throwsAsync(() => store.stage(repository, 's-1', bodyOf(Buffer.from('second'))), {
      instanceOf: BackendError,
      code: 'conflict',
    })
    t.deepEqual(await heldBytes(store, staging('s-1')), Buffer.from('first'))
  },

  'nothing is staged where there is no repository': async (t, store) => {
    await t.throwsAsync(() => store.stage(repository, 's-1', bodyOf(Buffer.from('x'))), {
      instanceOf: BackendError,
      code: 'not-found',
    })
    t.false(await store.exists(repository))
  },

  'publishing replaces nothing, and what was not published stays held': async (t, store) => {
    await store.create(repository)
    await put(store, repository, config, Buffer.from('first'))
    await store.stage(repository, 's-2', bodyOf(Buffer.from('second')))
    t.is(await store.publish(repository, staging('s-2'), config), 'exists')
    t.is(await store.publish(repository, staging('s-2'), config), 'exists')
    t.deepEqual(await bytesOf(store, config), Buffer.from('first'))
    t.deepEqual(await heldBytes(store, staging('s-2')), Buffer.from('second'))
  },

  'of many that publish one name at once, one does': async (t, store) => {
    await store.create(repository)
    const ids = Array.from({ length: 12 }, (_, number) => `s-${number}`)
    for (const id of ids) await store.stage(repository, id, bodyOf(Buffer.from(id)))
    const results = await Promise.all(
      ids.map((id) => store.publish(repository, staging(id), config)),
    )
    t.is(results.filter((result) => result === 'published').length, 1)
    t.is(results.filter((result) => result === 'exists').length, 11)
    const winner = ids[results.indexOf('published')]
    t.deepEqual((await bytesOf(store, config))?.toString(), winner)
    t.deepEqual(
      (await store.held(repository, 'staging')).sort(),
      ids.filter((id) => id !== winner).sort(),
    )
  },

  'publishing what is no longer held says so': async (t, store) => {
    await store.create(repository)
    t.is(await store.publish(repository, staging('none'), absentPack), 'gone')
    const bytes = Buffer.from('pack')
    const pack = nameOf('data', bytes)
    await store.stage(repository, 's-1', bodyOf(bytes), undefined, pack)
    t.is(await store.publish(repository, staging('s-1'), pack), 'published')
    t.is(await store.publish(repository, staging('s-1'), pack), 'gone')
    t.deepEqual(await bytesOf(store, pack), bytes)
  },

  'staged bytes are kept in quarantine, and released from there': async (t, store) => {
    await store.create(repository)
    const bytes = Buffer.from('late')
    await store.stage(repository, 's-1', bodyOf(bytes))
    t.true(await store.keep(repository, 's-1', 'q-1'))
    t.false(await store.keep(repository, 's-1', 'q-1'))
    t.deepEqual(await store.held(repository, 'staging'), [])
    t.deepEqual(await store.held(repository, 'quarantine'), ['q-1'])
    t.deepEqual(await heldBytes(store, quarantine('q-1')), bytes)
    t.is(await heldBytes(store, staging('s-1')), undefined)
    const snapshot = nameOf('snapshots', bytes)
    t.is(await store.publish(repository, quarantine('q-1'), snapshot), 'published')
    t.deepEqual(await bytesOf(store, snapshot), bytes)
    t.deepEqual(await store.held(repository, 'quarantine'), [])
  },

  'keeping does not overwrite another item': async (t, store) => {
    await store.create(repository)
    for (const id of ['s-1', 's-2']) await store.stage(repository, id, bodyOf(Buffer.from(id)))
    await store.keep(repository, 's-1', 'q-1')
    await t.throwsAsync(() => store.keep(repository, 's-2', 'q-1'), {
      instanceOf: BackendError,
      code: 'conflict',
    })
    t.deepEqual(await heldBytes(store, quarantine('q-1')), Buffer.from('s-1'))
    t.deepEqual(await heldBytes(store, staging('s-2')), Buffer.from('s-2'))
  },

  'what is discarded is gone, in its area only': async (t, store) => {
    await store.create(repository)
    for (const id of ['x-1', 'x-2']) await store.stage(repository, id, bodyOf(Buffer.from(id)))
    await store.keep(repository, 'x-1', 'x-2')
    await store.discard(repository, quarantine('x-2'))
    t.deepEqual(await store.held(repository, 'quarantine'), [])
    t.deepEqual(await store.held(repository, 'staging'), ['x-2'])
    await store.discard(repository, staging('x-2'))
    t.deepEqual(await store.held(repository, 'staging'), [])
  },

  'held bytes of different repositories do not mix': async (t, store) => {
    const ids = [repositoryNamed(), repositoryNamed('a'), repositoryNamed('a', 'b')]
    for (const id of ids) await store.create(id)
    for (const id of ids) await store.stage(id, 'b', bodyOf(Buffer.from(`of ${id}`)))
    await store.discard(repositoryNamed('a'), staging('b'))
    t.false(await store.keep(repositoryNamed('a'), 'b', 'q-1'))
    t.is(await store.publish(repositoryNamed('a'), staging('b'), config), 'gone')
    for (const id of ids) {
      t.deepEqual(await store.held(id, 'staging'), id === 'a' ? [] : ['b'])
    }
    const opened = await store.openHeld(repositoryNamed('a', 'b'), staging('b'))
    t.is(opened && (await buffer(opened.read())).toString(), 'of a/b')
  },

  'a removed object is gone, and its name can be published again': async (t, store) => {
    await store.create(repository)
    const bytes = Buffer.from('lock')
    const lock = nameOf('locks', bytes)
    await put(store, repository, lock, bytes)
    await store.remove(repository, lock)
    await store.remove(repository, lock)
    t.is(await store.stat(repository, lock), undefined)
    t.deepEqual(await store.list(repository, 'locks'), [])
    await put(store, repository, lock, bytes)
    t.deepEqual(await bytesOf(store, lock), bytes)
  },

  'a range of bytes is read, at the edges too': async (t, store) => {
    await store.create(repository)
    const bytes = randomBytes(1_000_000)
    const pack = nameOf('data', bytes)
    await put(store, repository, pack, bytes)
    const ends: [number, number][] = [
      [0, 0],
      [0, 999_999],
      [999_999, 999_999],
      [1, 262_144],
      [524_288, 786_431],
    ]
    for (const [start, end] of ends) {
      const opened = await store.open(repository, pack)
      t.is(opened?.size, bytes.length)
      const read = opened && (await buffer(opened.read({ start, end })))
      t.true(read?.equals(bytes.subarray(start, end + 1)), `${start}-${end}`)
    }
    const unread = await store.open(repository, pack)
    await unread?.close()
    t.truthy(unread)
  },

  'an object that is being read is read whole though it is removed meanwhile': async (
    t,
    store,
  ) => {
    await store.create(repository)
    const bytes = randomBytes(2_000_000)
    const pack = nameOf('data', bytes)
    await put(store, repository, pack, bytes)
    const opened = await store.open(repository, pack)
    await store.remove(repository, pack)
    t.true(opened && (await buffer(opened.read())).equals(bytes))
  },

  'a list by prefix holds all that begin with it': async (t, store) => {
    await store.create(repository)
    const all = Array.from({ length: 30 }, (_, number) => Buffer.from([number]))
    for (const type of ['data', 'index'] as const) {
      for (const bytes of all) await put(store, repository, nameOf(type, bytes), bytes)
      const prefix = sha256(Buffer.from([7])).slice(0, 2)
      const wanted = all.map(sha256).filter((id) => id.startsWith(prefix))
      const entries = (await store.list(repository, type, prefix)) ?? []
      const listed = entries.map(({ id }) => id).filter((id) => id.startsWith(prefix))
      t.deepEqual(listed.sort(), wanted.sort())
      t.true(wanted.length > 0)
    }
  },

  'a list stays right while objects come and go': async (t, store) => {
    await store.create(repository)
    const stay = Array.from({ length: 40 }, () => randomBytes(8))
    const go = Array.from({ length: 40 }, () => randomBytes(8))
    for (const bytes of [...stay, ...go])
      await put(store, repository, nameOf('data', bytes), bytes)
    const [entries = []] = await Promise.all([
      store.list(repository, 'data'),
      ...go.map((bytes) => store.remove(repository, nameOf('data', bytes))),
    ])
    const ids = new Set(entries.map(({ id }) => id))
    t.is(ids.size, entries.length, 'each once')
    for (const bytes of stay) t.true(ids.has(sha256(bytes)))
    t.true(entries.every(({ size }) => size === 8))
    t.is((await store.list(repository, 'data'))?.length, 40)
  },
}

export const conforms = test.macro({
  title: (name = 'a store', _factory: StoreFactory, behaviour: string) =>
    `${name}: ${behaviour}`,
  exec: async (t, factory: StoreFactory, behaviour: string) => {
    const run = behaviours[behaviour]
    if (run === undefined) throw new Error(`no such behaviour: ${behaviour}`)
    await run(t, await factory(t))
  },
})
