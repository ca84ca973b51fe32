/** What a client is told when the store fails, and what is left then. */
import { Readable } from 'node:stream'
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import type { BackendErrorCode, ObjectStore, OpenObject } from '../../fencing/ports.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { nameOf, openDoor } from './door.js'
import { ask, RawClient } from './raw-client.js'

const repository = 'repo' as RepositoryId
const undecided = 'The journal cannot be read or written, so nothing is committed.'

/** What reading, listing, writing and unlocking are answered with. */
const table: Readonly<Record<BackendErrorCode, readonly [number, number, number, number]>> = {
  'not-found': [404, 403, 503, 403],
  'no-space': [503, 503, 507, 403],
  corrupt: [500, 500, 503, 403],
  conflict: [503, 503, 503, 403],
  locked: [503, 503, 503, 403],
  'newer-state': [500, 500, 503, 403],
  'not-allowed': [403, 403, 503, 403],
  linked: [403, 403, 403, 403],
  'too-large': [413, 413, 413, 403],
  'too-many': [403, 403, 403, 403],
  unavailable: [503, 503, 503, 403],
}

for (const [code, [reading, listing, writing, unlocking]] of Object.entries(table)) {
  test(`a store that fails with "${code}" is told in restic's language`, async (t) => {
    const door = await openDoor()
    t.teardown(() => door.close())
    const client = await RawClient.connect(door.port)
    t.teardown(() => client.destroy())
    const pack = nameOf('data', 'pack')
    const lock = nameOf('locks', 'lock')
    await client.request('POST', '/repo/?create=true')
    await client.request('POST', '/repo/config', { body: 'c' })
    await client.request('HEAD', '/repo/config')
    await client.request('POST', `/repo/${lock}`, { body: 'lock' })
    door.watched.failing = () => code as BackendErrorCode
    t.is((await client.request('HEAD', `/repo/${pack}`)).status, reading)
    t.is((await client.request('GET', `/repo/${pack}`)).status, reading)
    t.is((await client.request('GET', '/repo/locks/')).status, listing)
    const body = Buffer.alloc(1_000_000, 'pack')
    const big = nameOf('data', body)
    const refused = await client.request('POST', `/repo/${big}`, { body })
    t.is(refused.status, writing)
    if (writing === 503) t.true(refused.reason.startsWith(undecided))
    t.is((await client.request('DELETE', `/repo/${lock}`)).status, unlocking)
    door.watched.failing = () => undefined
    t.is((await client.request('POST', `/repo/${big}`, { body })).status, 200)
    t.deepEqual(await door.store.held(repository, 'staging'), [])
  })
}

test('a store that is full halfway is told 507 once the body is read, on a line that goes on', async (t) => {
  const inner = memoryStore()
  const door = await openDoor({
    store: {
      ...inner,
      stage: async (id, staged, body, signal) => {
        for await (const chunk of body) {
          if (chunk.length > 0) break
        }
        door.watched.failing = () => 'no-space'
        return door.watched.store.stage(id, staged, body, signal)
      },
    },
  })
  t.teardown(() => door.close())
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  await client.request('POST', '/repo/?create=true')
  const body = Buffer.alloc(20_000_000, 'pack')
  const full = await client.request('POST', `/repo/${nameOf('data', body)}`, { body })
  t.is(full.status, 507)
  door.watched.failing = () => undefined
  t.is((await client.request('GET', '/repo/data/')).body.toString(), '[]')
})

/** A store in which every object has so many bytes, which are read so. */
const storeWhere = (size: number, readInto: OpenObject['readInto']): ObjectStore => ({
  ...memoryStore(),
  open: async () => ({
    size,
    read: () => Readable.from([]),
    readInto,
    close: async () => undefined,
  }),
})

test('a short range is read in several pieces, and one of an object that has become shorter is an error in words', async (t) => {
  const content = Buffer.from('the bytes of a pack')
  const pack = nameOf('data', content)
  let there = content.length
  const store = storeWhere(content.length, async (buffer, position) =>
    content.copy(buffer, 0, position, Math.min(there, position + 7)),
  )
  const door = await openDoor({ store })
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  const get = async (): ReturnType<typeof client.request> =>
    client.request('GET', `/repo/${pack}`, { headers: ['Range: bytes=4-'] })
  t.is((await get()).body.toString(), 'bytes of a pack')
  there = 10
  const cut = await get()
  t.is(cut.status, 500)
  t.is(cut.headers['content-range'], undefined)
  t.regex(cut.body.toString(), /cannot be read now/)
  t.is(door.watched.open, 0)
  there = content.length
  t.is((await get()).status, 206)
})

test('a download that fails halfway is broken off, and one that ends early too', async (t) => {
  const content = Buffer.alloc(2_000_000, 'pack')
  const pack = nameOf('data', content)
  for (const hasError of [true, false]) {
    const store = storeWhere(content.length, async (buffer, position) => {
      if (position >= 1_000_000 && hasError) throw new Error('the disk is gone')
      return content.copy(buffer, 0, position, 1_000_000)
    })
    const door = await openDoor({ store })
    t.teardown(() => door.close())
    await ask(door.port, 'POST', '/repo/?create=true')
    const client = await RawClient.connect(door.port)
    const answer = await client.request('GET', `/repo/${pack}`)
    t.is(answer.status, 200)
    t.is(answer.body.length, 1_000_000)
    t.true(client.isOver)
    await eventually('the object to be closed', () => door.watched.open === 0)
    client.destroy()
  }
})

test('a download that fails before its first byte is told so', async (t) => {
  const door = await openDoor({
    store: {
      ...memoryStore(),
      open: async () => ({
        size: 10,
        read: () => new Readable({ read: (): void => undefined }).destroy(new Error('gone')),
        readInto: () => Promise.reject(new Error('gone')),
        close: async () => undefined,
      }),
    },
  })
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  for (const headers of [['Range: bytes=1-2'], []]) {
    const answer = await ask(door.port, 'GET', `/repo/${nameOf('data', 'x')}`, { headers })
    t.is(answer.status, 500)
    t.is(answer.reason, 'This cannot be read now. See the log of the gateway.')
    t.is(answer.headers['content-range'], undefined)
    t.is(answer.headers['accept-ranges'], undefined)
  }
})
