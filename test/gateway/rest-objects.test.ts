/** The REST protocol as sequences of requests: what a client is told, and what stands in the repository afterwards. */
import test, { type ExecutionContext } from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { nameOf, openDoor, type Door, type DoorOptions } from './door.js'
import { ask, RawClient, type RawAnswer } from './raw-client.js'

const v2 = 'Accept: application/vnd.x.restic.rest.v2'
const repository = 'repo' as RepositoryId

async function doorWithRepository(t: ExecutionContext, options?: DoorOptions): Promise<Door> {
  const door = await openDoor(options)
  t.teardown(() => door.close())
  t.is((await ask(door.port, 'POST', '/repo/?create=true')).status, 200)
  t.is((await ask(door.port, 'POST', '/repo/config', { body: 'config' })).status, 200)
  return door
}

/** A client that has begun as restic does. */
async function opened(t: ExecutionContext, door: Door): Promise<RawClient> {
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  t.is((await client.request('HEAD', '/repo/config')).status, 200)
  t.is((await client.request('GET', '/repo/index/')).status, 200)
  return client
}

async function staged(door: Door): Promise<string[]> {
  return door.store.held(repository, 'staging')
}

function told({ status, reason }: RawAnswer): string {
  return `${status} ${reason}`
}

test('a repository is created, filled, listed, read and emptied', async (t) => {
  const door = await doorWithRepository(t)
  const client = await opened(t, door)
  const key = nameOf('keys', 'a key')
  const digest = key.slice('keys/'.length)
  t.is((await client.request('HEAD', `/repo/${key}`)).status, 404)
  t.is((await client.request('GET', `/repo/${key}`)).status, 404)
  t.is((await client.request('GET', '/repo/keys/')).body.toString(), '[]')
  t.is((await client.request('POST', `/repo/${key}`, { body: 'a key' })).status, 200)
  const head = await client.request('HEAD', `/repo/${key}`)
  t.is(head.status, 200)
  t.is(head.headers['content-length'], '5')
  t.is((await client.request('GET', `/repo/${key}`)).body.toString(), 'a key')
  const v1List = await client.request('GET', '/repo/keys/')
  t.is(v1List.headers['content-type'], 'application/vnd.x.restic.rest.v1')
  t.deepEqual(JSON.parse(v1List.body.toString()), [digest])
  const v2List = await client.request('GET', '/repo/keys/', { headers: [v2] })
  t.is(v2List.headers['content-type'], 'application/vnd.x.restic.rest.v2')
  t.deepEqual(JSON.parse(v2List.body.toString()), [{ name: digest, size: 5 }])
  t.is((await client.request('DELETE', `/repo/${key}`)).status, 200)
  t.is((await client.request('GET', `/repo/${key}`)).status, 404)
  t.is((await client.request('DELETE', `/repo/${key}`)).status, 200)
})

test('creating a repository again changes nothing', async (t) => {
  const door = await doorWithRepository(t)
  t.is((await ask(door.port, 'POST', '/repo/?create=true')).status, 200)
  t.is((await ask(door.port, 'GET', '/repo/config')).body.toString(), 'config')
  t.is((await ask(door.port, 'POST', '/repo/')).status, 400)
  t.is((await ask(door.port, 'POST', '/repo/?create=false')).status, 400)
  t.is((await ask(door.port, 'GET', '/repo/')).status, 405)
})

test('the same bytes again succeed, other bytes are refused and replace nothing', async (t) => {
  const door = await doorWithRepository(t)
  const pack = nameOf('data', 'pack')
  t.is((await ask(door.port, 'POST', `/repo/${pack}`, { body: 'pack' })).status, 200)
  t.is((await ask(door.port, 'POST', `/repo/${pack}`, { body: 'pack' })).status, 200)
  t.is((await ask(door.port, 'POST', '/repo/config', { body: 'config' })).status, 200)
  t.is(
    told(await ask(door.port, 'POST', '/repo/config', { body: 'cOnfig' })),
    '403 An object of this name exists with other content; it is never replaced.',
  )
  t.is((await ask(door.port, 'GET', '/repo/config')).body.toString(), 'config')
  t.deepEqual(await staged(door), [])
})

test('content that does not hash to the name is refused and nothing stays staged', async (t) => {
  const door = await doorWithRepository(t)
  const pack = nameOf('data', 'pack')
  t.is(
    told(await ask(door.port, 'POST', `/repo/${pack}`, { body: 'pick' })),
    '400 The name is not the SHA-256 of the content.',
  )
  t.is((await ask(door.port, 'POST', `/repo/${pack}`, { body: '' })).status, 400)
  t.is((await ask(door.port, 'HEAD', `/repo/${pack}`)).status, 404)
  t.deepEqual(await staged(door), [])
})

test('an empty object is stored, read whole whatever the range, and deleted', async (t) => {
  const door = await doorWithRepository(t)
  const lock = nameOf('locks', '')
  t.is((await ask(door.port, 'POST', `/repo/${lock}`)).status, 200)
  t.is((await ask(door.port, 'POST', `/repo/${lock}`)).status, 200)
  const head = await ask(door.port, 'HEAD', `/repo/${lock}`)
  t.is(head.headers['content-length'], '0')
  for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
    const whole = await ask(door.port, 'GET', `/repo/${lock}`, { headers: [`Range: ${range}`] })
    t.is(whole.status, 200)
    t.is(whole.body.length, 0)
  }
  t.is((await ask(door.port, 'DELETE', `/repo/${lock}`)).status, 200)
  t.is((await ask(door.port, 'HEAD', `/repo/${lock}`)).status, 404)
})

test('a body in chunks of unknown length is stored', async (t) => {
  const door = await doorWithRepository(t)
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  const pack = nameOf('data', 'pack')
  client.ask(`POST /repo/${pack} HTTP/1.1`, 'Host: gateway', 'Transfer-Encoding: chunked')
  client.send('2\r\npa\r\n2\r\nck\r\n0\r\n\r\n')
  t.is((await client.answer())?.status, 200)
  t.is((await client.request('GET', `/repo/${pack}`)).body.toString(), 'pack')
})

test('ten uploads of one name at once store one body and all succeed', async (t) => {
  const door = await doorWithRepository(t)
  const body = Buffer.alloc(300_000, 'pack')
  const pack = nameOf('data', body)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask(door.port, 'POST', `/repo/${pack}`, { body })),
  )
  t.deepEqual(
    answers.map(({ status }) => status),
    Array.from({ length: 10 }, () => 200),
  )
  t.deepEqual((await ask(door.port, 'GET', `/repo/${pack}`)).body, body)
  t.deepEqual(await staged(door), [])
  const records = await door.journal.read(repository, 0, 1000)
  t.is(records.filter((record) => record.body.includes('"committed"')).length, 2)
})

test('an upload that breaks off leaves nothing and can be sent again', async (t) => {
  const door = await doorWithRepository(t)
  const pack = nameOf('data', 'a whole pack')
  for (const leave of ['reset', 'destroy', 'end'] as const) {
    const client = await RawClient.connect(door.port)
    client.ask(`POST /repo/${pack} HTTP/1.1`, 'Host: gateway', 'Content-Length: 12')
    client.send('a whole')
    await eventually('the body to be received', () => door.watched.receiving === 1)
    client[leave]()
    await eventually('the body to break off', () => door.watched.receiving === 0)
    client.destroy()
  }
  t.deepEqual(await staged(door), [])
  t.is((await ask(door.port, 'HEAD', `/repo/${pack}`)).status, 404)
  t.is((await ask(door.port, 'POST', `/repo/${pack}`, { body: 'a whole pack' })).status, 200)
})

test('an append-only door deletes locks and nothing else', async (t) => {
  const door = await doorWithRepository(t, { isAppendOnly: true })
  const client = await opened(t, door)
  for (const type of ['keys', 'locks', 'snapshots', 'index', 'data'] as const) {
    const object = nameOf(type, type)
    t.is((await client.request('POST', `/repo/${object}`, { body: type })).status, 200)
  }
  for (const type of ['keys', 'snapshots', 'index', 'data'] as const) {
    const answer = await client.request('DELETE', `/repo/${nameOf(type, type)}`)
    t.is(told(answer), '403 This address is append-only: only locks may be deleted.')
    t.is((await client.request('HEAD', `/repo/${nameOf(type, type)}`)).status, 200)
  }
  t.is((await client.request('DELETE', '/repo/config')).status, 403)
  t.is((await client.request('DELETE', `/repo/${nameOf('locks', 'locks')}`)).status, 200)
  t.is((await client.request('HEAD', `/repo/${nameOf('locks', 'locks')}`)).status, 404)
})

test('what is fenced is told in the reason phrase, and the body is read to its end first', async (t) => {
  const door = await doorWithRepository(t)
  const body = Buffer.alloc(3_000_000, 'index')
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  const answer = await client.request('POST', `/repo/${nameOf('index', body)}`, { body })
  t.is(answer.status, 403)
  t.regex(answer.reason, /^Write fenced: this gateway did not see this run begin\. Kept as q-/)
  t.is(answer.body.toString(), `${answer.reason}\n`)
  t.is((await client.request('GET', '/repo/index/')).body.toString(), '[]')
})

test('where no repository is, a write is refused in words and a deletion succeeds', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const body = Buffer.alloc(2_000_000, 'pack')
  const client = await RawClient.connect(door.port)
  t.teardown(() => client.destroy())
  const refused = await client.request('POST', `/none/${nameOf('data', body)}`, { body })
  t.is(told(refused), '403 There is no repository here; "restic init" makes one.')
  t.is((await client.request('DELETE', `/none/${nameOf('locks', 'x')}`)).status, 200)
  t.is((await client.request('HEAD', '/none/config')).status, 404)
  t.is((await client.request('GET', '/none/config')).status, 404)
})

test('an object whose deletion is recorded and not yet done is neither listed nor read', async (t) => {
  const door = await doorWithRepository(t)
  const client = await opened(t, door)
  const snapshot = nameOf('snapshots', 'old')
  const other = await opened(t, door)
  t.is((await other.request('POST', `/repo/${snapshot}`, { body: 'old' })).status, 200)
  door.watched.failing = (call) => (call === 'remove' ? 'unavailable' : undefined)
  t.is((await client.request('DELETE', `/repo/${snapshot}`)).status, 503)
  t.not(await door.store.stat(repository, snapshot), undefined)
  t.is((await client.request('HEAD', `/repo/${snapshot}`)).status, 404)
  t.is((await client.request('GET', `/repo/${snapshot}`)).status, 404)
  t.is((await client.request('GET', '/repo/snapshots/')).body.toString(), '[]')
  door.watched.failing = () => undefined
  t.is((await client.request('POST', `/repo/${snapshot}`, { body: 'old' })).status, 200)
  t.is((await client.request('GET', `/repo/${snapshot}`)).body.toString(), 'old')
})
