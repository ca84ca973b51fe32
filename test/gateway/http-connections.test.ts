/** Connections: what order answers come in, who ends them, and what happens to whoever is slow, mad or too many. */
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { parseTrustedRange } from '../../config/trusted-range.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { endlessStore } from './endless-store.js'
import { nameOf, openDoor, type Door, type DoorOptions } from './door.js'
import { RawClient } from './raw-client.js'

const repository = 'repo' as RepositoryId
const content = Buffer.alloc(4_000_000, 'pack')
const pack = nameOf('data', content)

async function opened(t: ExecutionContext, options?: DoorOptions): Promise<Door> {
  const door = await openDoor(options)
  t.teardown(() => door.close())
  const client = await connected(t, door)
  await client.request('POST', '/repo/?create=true')
  await client.request('POST', '/repo/config', { body: 'config' })
  await client.request('POST', `/repo/${pack}`, { body: content })
  client.destroy()
  return door
}

async function connected(t: ExecutionContext, door: Door): Promise<RawClient> {
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  return client
}

test('requests sent ahead of their answers are answered in order', async (t) => {
  const door = await opened(t)
  const client = await connected(t, door)
  const get = 'GET /repo/config HTTP/1.1\r\nHost: g\r\n\r\n'
  const post = `POST /repo/${nameOf('locks', 'lock')} HTTP/1.1\r\nHost: g\r\nContent-Length: 4\r\n\r\nlock`
  const list = 'GET /repo/locks/ HTTP/1.1\r\nHost: g\r\n\r\n'
  client.send(get + list + post + list + get)
  t.is((await client.answer())?.body.toString(), 'config')
  t.is((await client.answer())?.body.toString(), '[]')
  t.is((await client.answer())?.status, 200)
  t.is((await client.answer())?.body.length, 68)
  t.is((await client.answer())?.body.toString(), 'config')
})

test('too many requests ahead of their answers close the line', async (t) => {
  const door = await opened(t, { limits: { pipelinedMax: 3 } })
  const client = await connected(t, door)
  client.send('GET /repo/config HTTP/1.1\r\nHost: g\r\n\r\n'.repeat(50))
  await client.closed()
  t.is((await (await connected(t, door)).request('HEAD', '/repo/config')).status, 200)
})

test('a request whose line broke while it waited for its turn opens nothing', async (t) => {
  const door = await opened(t, { store: endlessStore().store })
  for (let round = 0; round < 5; round += 1) {
    const client = await connected(t, door)
    client.socket.pause()
    client.send(`GET /repo/${pack} HTTP/1.1\r\nHost: g\r\n\r\n`.repeat(4))
    await eventually('the first to be read', () => door.watched.open > 0)
    client.reset()
    await eventually('all to be closed', () => door.watched.open === 0)
  }
  t.is(door.watched.open, 0)
})

test('junk behind a whole request does not take the place of its answer', async (t) => {
  const door = await opened(t)
  const client = await connected(t, door)
  client.send('GET /repo/config HTTP/1.1\r\nHost: g\r\n\r\n\0junk\r\n\r\n')
  const answer = await client.answer()
  t.is(answer?.status, 200)
  t.is(answer?.body.toString(), 'config')
  await client.closed()
})

const junk: readonly (readonly [string, number])[] = [
  ['junk\r\n\r\n', 400],
  ['GET /repo/config HTTP/9.9\r\n\r\n', 400],
  ['GET /repo/config HTTP/1.1\r\nNo colon\r\n\r\n', 400],
  ['GET /repo/config HTTP/1.1\r\n\r\n', 400],
  ['\x16\x03\x01\x02\x00\x01', 400],
  [`GET /repo/config HTTP/1.1\r\nHost: g\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  [`GET /repo/config HTTP/1.1\r\nHost: g\r\n${'X: y\r\n'.repeat(101)}\r\n`, 431],
  [`GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: g\r\n\r\n`, 414],
  ['POST /repo/config HTTP/1.1\r\nHost: g\r\nContent-Length: -1\r\n\r\n', 400],
  [`POST /repo/config HTTP/1.1\r\nHost: g\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\n`, 400],
  [
    'POST /repo/config HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
  ],
  ['POST /repo/config HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
]

test('junk is answered in one line and the connection is closed', async (t) => {
  const door = await opened(t)
  for (const [bytes, status] of junk) {
    const client = await connected(t, door)
    client.send(Buffer.from(bytes, 'latin1'))
    t.is((await client.answer())?.status, status, bytes.slice(0, 90))
    await client.closed()
  }
  t.deepEqual(await door.store.held(repository, 'staging'), [])
})

test('HTTP/1.0 and "Connection: close" are answered and then closed', async (t) => {
  const door = await opened(t)
  for (const head of ['HTTP/1.0\r\n\r\n', 'HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n']) {
    for (const [path, length] of [
      [`/repo/${pack}`, content.length],
      ['/repo/data/', 68],
    ] as const) {
      const client = await connected(t, door)
      client.send(`GET ${path} ${head}`)
      t.is((await client.answer())?.body.length, length)
      await client.closed()
    }
  }
})

test('a client that asks first is told to go on, and unknown expectations are refused', async (t) => {
  const door = await opened(t)
  const client = await connected(t, door)
  const lock = nameOf('locks', 'lock')
  const head = [`POST /repo/${lock} HTTP/1.1`, 'Host: g', 'Content-Length: 4']
  client.ask(...head, 'Expect: 100-continue')
  t.is((await client.answer())?.status, 100)
  client.send('lock')
  t.is((await client.answer())?.status, 200)
  client.ask('GET /repo/config HTTP/1.1', 'Host: g', 'Expect: miracles')
  t.is((await client.answer())?.status, 417)
})

test.serial(
  'a slow body is waited for while it moves, and broken off when it does not',
  async (t) => {
    const endings = new Map<string, boolean>()
    const door = await openDoor({
      limits: { progressTimeoutMs: 2000 },
      onClosed: (id, byClient) => endings.set(id, byClient),
    })
    t.teardown(() => door.close())
    const client = await connected(t, door)
    await client.request('POST', '/repo/?create=true')
    const body = 'slow body'
    const object = nameOf('data', body)
    client.ask(`POST /repo/${object} HTTP/1.1`, 'Host: g', `Content-Length: ${body.length}`)
    for (const letter of body) {
      client.send(letter)
      // The time that passes is what is tested: more than two limits on the whole.
      await delay(500)
    }
    t.is((await client.answer())?.status, 200)
    client.ask(`POST /repo/${nameOf('data', 'x')} HTTP/1.1`, 'Host: g', 'Content-Length: 10')
    client.send('stuck')
    await client.closed()
    await eventually('the body to break off', () => door.watched.receiving === 0)
    t.deepEqual(await door.store.held(repository, 'staging'), [])
    t.deepEqual([...endings.values()], [false])
  },
)

test.serial('a download that nobody reads holds little, and is broken off', async (t) => {
  const { store, produced } = endlessStore()
  const door = await openDoor({ store, limits: { progressTimeoutMs: 2000 } })
  t.teardown(() => door.close())
  const client = await connected(t, door)
  client.socket.pause()
  client.ask(`GET /repo/${pack} HTTP/1.1`, 'Host: g')
  await eventually('the download to begin', () => door.watched.open > 0)
  await eventually('it to be broken off', () => door.watched.open === 0)
  // What the kernel holds for the connection, and a few pieces.
  t.true(produced() < 32 * 1024 * 1024, String(produced()))
})

test.serial('who ended a connection is told to the gate', async (t) => {
  const endings = new Map<string, boolean>()
  const door = await opened(t, {
    store: endlessStore().store,
    limits: { keepAliveTimeoutMs: 3000 },
    onClosed: (id, byClient) => endings.set(id, byClient),
  })
  await eventually('the first connection to end', () => endings.size === 1)
  const ending = async (act: (client: RawClient) => void | Promise<void>): Promise<boolean> => {
    const client = await connected(t, door)
    await client.request('HEAD', '/repo/config')
    const before = endings.size
    await act(client)
    await eventually('the end of the connection', () => endings.size > before)
    return [...endings.values()].at(-1) === true
  }
  t.true(await ending((client) => client.end()), 'FIN')
  t.true(await ending((client) => client.destroy()), 'close')
  t.true(await ending((client) => client.reset()), 'RST')
  const inBody = await ending((client) => {
    client.ask(`POST /repo/${nameOf('data', 'x')} HTTP/1.1`, 'Host: g', 'Content-Length: 9')
    client.send('half')
    client.reset()
  })
  t.true(inBody, 'RST in a body')
  const inAnswer = await ending(async (client) => {
    client.socket.pause()
    client.ask(`GET /repo/${pack} HTTP/1.1`, 'Host: g')
    await eventually('the answer to begin', () => door.watched.open > 0)
    client.reset()
  })
  t.true(inAnswer, 'RST in an answer')
  t.false(await ending((client) => client.closed()), 'idle for too long')
  const junkSent = await ending(async (client) => {
    client.send('junk\r\n\r\n')
    await client.closed()
    client.destroy()
  })
  t.false(junkSent, 'junk')
  t.false(await ending(() => door.close()), 'stopping')
})

test('a refused deletion has no body, which restic would give up its connection for', async (t) => {
  const door = await opened(t, { isAppendOnly: true })
  const client = await connected(t, door)
  const answer = await client.request('DELETE', `/repo/${pack}`)
  t.is(answer.status, 403)
  t.is(answer.headers['content-length'], '0')
  t.is((await client.request('HEAD', '/repo/config')).status, 200)
})

test('an idle connection outlives restic by default', async (t) => {
  const door = await opened(t)
  const client = await connected(t, door)
  const { headers } = await client.request('HEAD', '/repo/config')
  t.is(headers['keep-alive'], 'timeout=120')
})

test.serial('headers that do not come are not waited for', async (t) => {
  const limits = { headersTimeoutMs: 500, unusedTimeoutMs: 1000 }
  const door = await opened(t, { limits })
  const silent = await connected(t, door)
  const slow = await connected(t, door)
  slow.send('GET /repo/config HTTP/1.1\r\nHost')
  t.is((await slow.answer())?.status, 408)
  await slow.closed()
  t.false(silent.isOver, 'Go dials ahead')
  const late = await connected(t, door)
  await silent.closed()
  t.is(silent.unread.length, 0)
  t.is((await late.request('HEAD', '/repo/config')).status, 200)
})

test('connections beyond the limit are closed, and there is room again when one ends', async (t) => {
  const door = await openDoor({ limits: { connectionsMax: 2 } })
  t.teardown(() => door.close())
  const [first, second] = [await connected(t, door), await connected(t, door)]
  t.is((await first.request('HEAD', '/repo/config')).status, 404)
  t.is((await second.request('HEAD', '/repo/config')).status, 404)
  const third = await connected(t, door)
  await third.closed()
  first.destroy()
  await eventually('room for another', async () => {
    const next = await connected(t, door)
    next.ask('HEAD /repo/config HTTP/1.1', 'Host: g')
    return (await next.answer({ isHead: true }))?.status === 404
  })
  t.pass()
})

test('one address has so many connections, and a trusted proxy any number', async (t) => {
  const limits = { connectionsPerAddressMax: 2 }
  const door = await openDoor({ limits })
  t.teardown(() => door.close())
  const [first] = [await connected(t, door), await connected(t, door)]
  for (let round = 0; round < 2; round += 1) await (await connected(t, door)).closed()
  const told = door.log.filter(({ limit }) => limit === '--max-connections-per-address')
  t.is(told.length, 1, 'said once')
  first.destroy()
  await eventually('room for another', async () => {
    const next = await connected(t, door)
    next.ask('HEAD /repo/config HTTP/1.1', 'Host: g')
    return (await next.answer({ isHead: true }))?.status === 404
  })
  const loopback = parseTrustedRange('127.0.0.1')
  const behind = await openDoor({ limits, listener: { trusted: loopback ? [loopback] : [] } })
  t.teardown(() => behind.close())
  for (let count = 0; count < 5; count += 1)
    t.is((await (await connected(t, behind)).request('HEAD', '/repo/config')).status, 404)
})

test('a body that comes without a login is not read for ever', async (t) => {
  const door = await openDoor({
    limits: { refusedBodyTimeoutMs: 200 },
    listener: { authenticate: async () => ({ kind: 'unknown' }) },
  })
  t.teardown(() => door.close())
  const client = await connected(t, door)
  client.ask('POST /repo/config HTTP/1.1', 'Host: g', 'Content-Length: 10')
  client.send('half')
  t.is((await client.answer())?.status, 401)
  await client.closed()
})

test.serial(
  'stopping lets the request in hand end, and breaks off what is left after the grace',
  async (t) => {
    const door = await opened(t)
    const idle = await connected(t, door)
    await idle.request('HEAD', '/repo/config')
    const busy = await connected(t, door)
    const body = 'a body'
    busy.ask(`POST /repo/${nameOf('data', body)} HTTP/1.1`, 'Host: g', 'Content-Length: 6')
    busy.send('a ')
    const stuck = await connected(t, door)
    stuck.ask(`POST /repo/${nameOf('data', 'x')} HTTP/1.1`, 'Host: g', 'Content-Length: 9')
    stuck.send('x')
    await eventually('both to be received', () => door.watched.receiving === 2)
    const stopped = door.close(3000)
    await idle.closed()
    busy.send('body')
    const answer = await busy.answer()
    t.is(answer?.status, 200)
    t.is(answer?.headers['connection'], 'close')
    await busy.closed()
    t.false(stuck.isOver)
    await stuck.closed()
    await stopped
    t.deepEqual(await door.store.held(repository, 'staging'), [])
  },
)
