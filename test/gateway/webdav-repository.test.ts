/** Repositories over WebDAV: what restic's rclone asks, what it is told, and that nothing else gets in. */
import test, { type ExecutionContext } from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { nameOf, openDoor, type Door, type DoorOptions } from './door.js'
import { ask, RawClient, type Asked, type RawAnswer } from './raw-client.js'

const repository = 'repo' as RepositoryId
const base = '/-/dav'
const deep = { headers: ['Depth: 1'] }

/** A client of its own connection, asking below the door's root. */
class DavClient {
  readonly raw: RawClient
  readonly base: string

  constructor(raw: RawClient, at: string) {
    this.raw = raw
    this.base = at
  }

  ask(method: string, path: string, asked: Asked = {}): Promise<RawAnswer> {
    return this.raw.request(method, `${this.base}${path}`, asked)
  }

  /** An upload as rclone does it. */
  async put(object: string, content: string): Promise<RawAnswer> {
    const path = pathOf(object)
    await this.ask('MKCOL', `${path.slice(0, path.lastIndexOf('/'))}/`)
    return this.ask('PUT', path, { body: content })
  }

  /** What restic asks for when it begins, up to its lock. */
  async begin(): Promise<void> {
    await this.ask('PROPFIND', '/repo', deep)
    await this.ask('PROPFIND', '/repo/file-15944502421735383132', deep)
    await this.ask('PROPFIND', '/repo/config', deep)
    await this.ask('PROPFIND', '/repo/keys/', deep)
    await this.ask('GET', '/repo/config', { headers: ['Range: bytes=0-'] })
  }

  async look(): Promise<void> {
    await this.ask('PROPFIND', '/repo/snapshots/', deep)
    await this.ask('PROPFIND', '/repo/index/', deep)
  }
}

function pathOf(object: string): string {
  const [type, digest = ''] = object.split('/')
  return type === 'data' ? `/repo/data/${digest.slice(0, 2)}/${digest}` : `/repo/${object}`
}

async function connected(t: ExecutionContext, door: Door, at = base): Promise<DavClient> {
  const raw = await RawClient.connect(door.port)
  t.teardown(() => raw.destroy())
  return new DavClient(raw, at)
}

async function doorWithRepository(t: ExecutionContext, options?: DoorOptions): Promise<Door> {
  const door = await openDoor(options)
  t.teardown(() => door.close())
  const client = await connected(t, door)
  for (const folder of ['', 'data/', 'index/', 'keys/', 'locks/', 'snapshots/']) {
    const made = await client.ask('MKCOL', `/repo/${folder}`)
    t.true([201, 405].includes(made.status), `${folder}: ${made.status}`)
  }
  t.is((await client.put(nameOf('keys', 'key'), 'key')).status, 201)
  t.is((await client.ask('PUT', '/repo/config', { body: 'config' })).status, 201)
  t.is((await client.ask('PROPFIND', '/repo/config', deep)).status, 207)
  client.raw.end()
  return door
}

async function writers(door: Door): Promise<number> {
  return (await door.fences.of(repository))?.livingWriters().length ?? 0
}

function hrefs({ body }: RawAnswer): string[] {
  return [...body.toString().matchAll(/<D:href>([^<]*)<\/D:href>/g)].map(
    ([, href = '']) => href,
  )
}

test('a repository is begun by the folders that rclone makes, and read back', async (t) => {
  const door = await doorWithRepository(t)
  t.deepEqual(await door.store.repositories(), [repository])
  const client = await connected(t, door)
  const root = await client.ask('PROPFIND', '/repo/', deep)
  t.is(root.status, 207)
  t.deepEqual(hrefs(root).sort(), [
    '/-/dav/repo/',
    '/-/dav/repo/config',
    ...['data', 'index', 'keys', 'locks', 'snapshots'].map((type) => `/-/dav/repo/${type}/`),
  ])
  const key = nameOf('keys', 'key')
  t.deepEqual(hrefs(await client.ask('PROPFIND', '/repo/keys', deep)), [
    '/-/dav/repo/keys/',
    `/-/dav/repo/${key}`,
  ])
  t.is((await client.ask('GET', `/repo/${key}`)).body.toString(), 'key')
  t.is(await writers(door), 0, 'whoever made it needs no view')
})

test('nothing is on the disk until a repository is begun', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const client = await connected(t, door)
  t.is((await client.ask('MKCOL', '/a/b')).status, 409)
  t.is((await client.ask('MKCOL', '/a')).status, 201)
  t.is((await client.ask('MKCOL', '/a')).status, 405)
  t.is((await client.ask('PROPFIND', '/a', deep)).status, 207)
  t.deepEqual(hrefs(await client.ask('PROPFIND', '/', deep)), ['/-/dav/', '/-/dav/a/'])
  t.deepEqual(await door.store.repositories(), [])
  t.is((await client.ask('MKCOL', '/b/keys/')).status, 409, 'no such folder')
  t.is((await client.ask('MKCOL', '/a/b')).status, 201)
  t.is((await client.ask('MKCOL', '/a/b/keys/')).status, 201)
  t.deepEqual(await door.store.repositories(), ['a/b'])
  t.is((await client.ask('MKCOL', '/a/b/c')).status, 403, 'in a repository')
  t.is((await client.ask('MKCOL', '/a/b/keys/', { body: 'x' })).status, 415)
})

test('packs lie in their folders, and only there', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const pack = nameOf('data', 'a pack')
  t.is((await client.put(pack, 'a pack')).status, 201)
  const digest = pack.slice('data/'.length)
  const folder = digest.slice(0, 2)
  const folders = hrefs(await client.ask('PROPFIND', '/repo/data/', deep))
  t.is(folders.length, 257)
  t.true(folders.includes(`/-/dav/repo/data/${folder}/`))
  t.deepEqual(hrefs(await client.ask('PROPFIND', `/repo/data/${folder}`, deep)), [
    `/-/dav/repo/data/${folder}/`,
    `/-/dav${pathOf(pack)}`,
  ])
  const other = folder === '00' ? '01' : '00'
  t.is(hrefs(await client.ask('PROPFIND', `/repo/data/${other}`, deep)).length, 1)
  t.is((await client.ask('GET', `/repo/data/${digest}`)).status, 405)
  t.is((await client.ask('PROPFIND', `/repo/data/${other}/${digest}`)).status, 404)
  t.is(
    (await client.ask('PUT', `/repo/data/${other}/${digest}`, { body: 'a pack' })).status,
    403,
  )
})

test('a run begins at its probe, once, on the connection that carries it', async (t) => {
  const door = await doorWithRepository(t)
  const one = await connected(t, door)
  await one.begin()
  t.is(await writers(door), 1)
  const two = await connected(t, door)
  await two.begin()
  t.is(await writers(door), 2, 'restic 0.14 always asks for the same file')
  await two.ask('PROPFIND', '/repo/config', deep)
  t.is(await writers(door), 2)
})

test('a look at config without a probe is a beginning too', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  await client.ask('GET', '/repo/config')
  await client.ask('PROPFIND', '/repo/', deep)
  t.is(await writers(door), 0)
  await client.ask('HEAD', '/repo/config')
  await client.ask('PROPFIND', '/repo/config', deep)
  t.is(await writers(door), 1)
})

test('behind a proxy that hides channels a run is still one writer', async (t) => {
  const door = await doorWithRepository(t)
  const via = ['Depth: 1', 'Via: 1.1 proxy']
  for (const path of ['/repo/file-1', '/repo/config', '/repo/config']) {
    const client = await connected(t, door)
    await client.ask('PROPFIND', path, { headers: via })
  }
  t.is(await writers(door), 1)
})

test('a birth that could not be recorded is made up for', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const append = door.journal.append
  Object.assign(door.journal, {
    append: () => Promise.reject(new Error('the journal is away')),
  })
  t.true((await client.ask('PROPFIND', '/repo/file-7', deep)).status >= 500)
  Object.assign(door.journal, { append })
  t.is((await client.ask('PROPFIND', '/repo/config', deep)).status, 207)
  t.is(await writers(door), 1)
})

test('a sleeper that a prune overtook is told so, in the reason and in the body', async (t) => {
  const door = await doorWithRepository(t)
  const pack = nameOf('data', 'old')
  const sleeper = await connected(t, door)
  await sleeper.begin()
  t.is((await sleeper.put(nameOf('locks', 'L1'), 'L1')).status, 201)
  await sleeper.look()
  t.is((await sleeper.put(pack, 'old')).status, 201)
  t.is((await sleeper.put(nameOf('index', 'first'), 'first')).status, 201)
  const prune = await connected(t, door)
  await prune.begin()
  t.is((await prune.put(nameOf('locks', 'L2'), 'L2')).status, 201)
  await prune.look()
  await prune.ask('PROPFIND', '/repo/data/00/', deep)
  t.is((await prune.ask('DELETE', pathOf(nameOf('index', 'first')))).status, 204)
  const late = nameOf('index', 'late')
  const refused = await sleeper.put(late, 'late')
  t.is(refused.status, 403)
  t.regex(refused.reason, /^Write fenced: a prune \(generation 2\) overtook this run/)
  t.is(refused.body.toString(), `${refused.reason}\n`)
  t.is((await prune.ask('PROPFIND', pathOf(late))).status, 404)
  t.is((await sleeper.ask('GET', '/repo/config')).status, 200, 'the connection goes on')
})

test('two runs that cannot be told apart are knocked, and a tag tells them apart', async (t) => {
  const door = await doorWithRepository(t, { parkMs: 1 })
  for (const content of ['L1', 'L2']) {
    const client = await connected(t, door)
    await client.begin()
    await client.look()
    t.is((await client.put(nameOf('locks', content), content)).status, 201)
    if (content === 'L1') await (await door.fences.of(repository))?.raise('me', 'a test')
    client.raw.end()
  }
  const third = await connected(t, door)
  await third.begin()
  await third.look()
  const unknown = await connected(t, door)
  const snapshot = nameOf('snapshots', 'whose?')
  const knocked = await unknown.put(snapshot, 'whose?')
  t.is(knocked.status, 503)
  t.regex(knocked.reason, /^Waiting to learn which run this connection belongs to/)
  t.is(knocked.headers.connection, 'close')
  const tagged = await connected(t, door, '/-/w/night/-/dav')
  await tagged.begin()
  t.deepEqual(hrefs(await tagged.ask('PROPFIND', '/repo/index/', deep)), [
    '/-/w/night/-/dav/repo/index/',
  ])
  await tagged.look()
  const again = await connected(t, door, '/-/w/night/-/dav')
  t.is((await again.put(nameOf('snapshots', 'mine'), 'mine')).status, 201)
})

test('a knock closes the idle lines that do not say whose they are, and leaves the others', async (t) => {
  const door = await doorWithRepository(t, { parkMs: 1 })
  const known = await connected(t, door)
  await known.begin()
  await known.look()
  await (await door.fences.of(repository))?.raise('me', 'a test')
  const other = await connected(t, door)
  await other.begin()
  await other.look()
  const [unknown, idle] = [await connected(t, door), await connected(t, door)]
  for (const client of [unknown, idle]) await client.ask('PROPFIND', '/repo/data/00/', deep)
  const pack = nameOf('snapshots', 'new')
  t.is((await other.put(pack, 'new')).status, 201)
  t.is((await unknown.ask('DELETE', pathOf(pack))).status, 503)
  await idle.raw.closed()
  await unknown.raw.closed()
  t.is((await known.ask('PROPFIND', '/repo/', deep)).status, 207)
  t.is((await other.ask('PROPFIND', '/repo/', deep)).status, 207)
})

test('a knock that nobody waits for any more closes no lines', async (t) => {
  const door = await doorWithRepository(t, { parkMs: 60_000 })
  const [known, other] = [await connected(t, door), await connected(t, door)]
  for (const client of [known, other]) {
    await client.begin()
    await client.look()
    if (client === known) await (await door.fences.of(repository))?.raise('me', 'a test')
  }
  const pack = nameOf('snapshots', 'new')
  t.is((await other.put(pack, 'new')).status, 201)
  for (const client of [known, other]) client.raw.end()
  t.is((await (await connected(t, door)).ask('DELETE', pathOf(pack))).status, 503)
  const [unknown, idle] = [await connected(t, door), await connected(t, door)]
  for (const client of [unknown, idle]) await client.ask('PROPFIND', '/repo/data/00/', deep)
  unknown.raw.ask(`DELETE ${base}${pathOf(pack)} HTTP/1.1`, 'Host: gateway')
  await eventually('the second try to be held', () => door.gate.parked === 1)
  unknown.raw.destroy()
  await eventually('its end to be heard', () =>
    door.log.some((one) => one.isBrokenOff === true),
  )
  t.is((await idle.ask('PROPFIND', '/repo/', deep)).status, 207)
})

test('a program that shows old lists reads, and is no writer', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const headers = ['User-Agent: davfs2/1.6.1 neon/0.32.5', 'Depth: 1']
  for (const path of ['/repo/file-1', '/repo/config', '/repo/index/', '/repo/']) {
    await client.ask('PROPFIND', path, { headers })
  }
  t.is(await writers(door), 0)
  t.is((await client.ask('GET', '/repo/config', { headers })).body.toString(), 'config')
  const pack = nameOf('data', 'pack')
  const refused = await client.ask('PUT', pathOf(pack), { headers, body: 'pack' })
  t.is(refused.status, 403)
  t.regex(refused.reason, /may only read a repository/)
  t.is((await client.ask('DELETE', '/repo/config', { headers })).status, 403)
})

test('uploads: the same again, other bytes, the wrong name, a broken one', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const pack = nameOf('data', 'pack')
  const put = await client.put(pack, 'pack')
  t.is(put.headers['content-length'], '0', 'rclone 1.60 loses its connection over a body')
  t.is(put.headers.etag, `"${pack.slice('data/'.length)}"`)
  t.is((await client.put(pack, 'pack')).status, 201)
  t.is((await client.ask('PUT', pathOf(pack), { body: 'other' })).status, 400)
  t.is((await client.ask('PUT', '/repo/config', { body: 'other' })).status, 403)
  const partial = { body: 'pa', headers: ['Content-Range: bytes 0-1/4'] }
  t.is((await client.ask('PUT', pathOf(nameOf('data', 'half')), partial)).status, 400)
  const broken = await connected(t, door)
  const half = nameOf('data', 'half of it')
  broken.raw.ask(`PUT ${base}${pathOf(half)} HTTP/1.1`, 'Host: g', 'Content-Length: 10')
  broken.raw.send('half ')
  broken.raw.reset()
  await eventually('the broken upload to be gone', async () => {
    return (
      door.watched.receiving === 0 &&
      (await door.store.held(repository, 'staging')).length === 0
    )
  })
  t.is((await client.ask('PROPFIND', pathOf(half))).status, 404)
})

test('conditions: If-Match, If-None-Match and the ETag that is the hash', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const key = nameOf('keys', 'key')
  const tag = `"${key.slice('keys/'.length)}"`
  const path = `/repo/${key}`
  const head = await client.ask('HEAD', path)
  t.is(head.headers.etag, tag)
  t.is((await client.ask('GET', path, { headers: [`If-None-Match: ${tag}`] })).status, 304)
  t.is((await client.ask('GET', path, { headers: ['If-Match: "x"'] })).status, 412)
  t.is((await client.ask('GET', path, { headers: [`If-Match: ${tag}`] })).status, 200)
  const put = { body: 'key', headers: ['If-None-Match: *'] }
  t.is((await client.ask('PUT', path, put)).status, 412)
  t.is((await client.ask('DELETE', path, { headers: ['If-Match: "x"'] })).status, 412)
  t.is((await client.ask('GET', path)).status, 200)
})

test('ranges are read from where they start', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const pack = nameOf('data', '0123456789')
  await client.put(pack, '0123456789')
  const ranged = (range: string, ...more: string[]): Promise<RawAnswer> =>
    client.ask('GET', pathOf(pack), { headers: [`Range: bytes=${range}`, ...more] })
  const middle = await ranged('3-5')
  t.is(middle.status, 206)
  t.is(middle.body.toString(), '345')
  t.is(middle.headers['content-range'], 'bytes 3-5/10')
  t.is((await ranged('-2')).body.toString(), '89')
  const beyond = await ranged('10-')
  t.is(beyond.status, 416)
  t.is(beyond.headers['content-range'], 'bytes */10')
  t.is((await ranged('3-5', 'If-Range: "another"')).status, 200)
  const digest = pack.slice('data/'.length)
  t.is((await ranged('3-5', `If-Range: "${digest}"`)).status, 206)
})

test('what a repository is made of is not moved, copied, locked, patched or removed', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const path = `/repo/${nameOf('keys', 'key')}`
  const to = { headers: [`Destination: http://gateway${base}/elsewhere`] }
  for (const method of ['COPY', 'MOVE']) {
    for (const from of [path, '/repo/', '/repo/keys/', '/repo/data/00/']) {
      t.is((await client.ask(method, from, to)).status, 403, `${method} ${from}`)
    }
  }
  for (const folder of ['/repo/', '/repo/keys/', '/repo/data/00/', '/']) {
    t.is((await client.ask('DELETE', folder)).status, 403, folder)
    t.is((await client.ask('PUT', folder, { body: 'x' })).status, 403, folder)
  }
  const lock = await client.ask('LOCK', path, { body: '<x/>' })
  t.is(lock.status, 403)
  const patch =
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="b">c</a></D:prop></D:set></D:propertyupdate>'
  const patched = await client.ask('PROPPATCH', path, { body: patch })
  t.is(patched.status, 207)
  t.regex(patched.body.toString(), /<a xmlns="b"\/>.*403 Forbidden.*cannot-modify-protected/)
  t.is((await client.ask('POST', path)).status, 405)
  for (const junk of ['/repo/junk', '/repo/keys/junk', '/repo/config/x', '/repo/data/zz/x']) {
    t.is((await client.ask('PUT', junk, { body: 'x' })).status, 403, junk)
    t.is((await client.ask('PROPFIND', junk)).status, 404, junk)
  }
  t.is((await client.ask('GET', path)).body.toString(), 'key')
  t.is((await client.ask('OPTIONS', '/repo/')).headers.dav, '1')
})

test('append-only: only locks are deleted', async (t) => {
  const door = await openDoor({ isAppendOnly: true })
  t.teardown(() => door.close())
  const client = await connected(t, door)
  await client.ask('MKCOL', '/repo')
  await client.ask('MKCOL', '/repo/keys')
  await client.put(nameOf('keys', 'key'), 'key')
  await client.ask('PUT', '/repo/config', { body: 'config' })
  const refused = await client.ask('DELETE', `/repo/${nameOf('keys', 'key')}`)
  t.is(refused.status, 403)
  t.regex(refused.reason, /append-only/)
  await client.put(nameOf('locks', 'L'), 'L')
  t.is((await client.ask('DELETE', `/repo/${nameOf('locks', 'L')}`)).status, 204)
  t.is(
    (await client.ask('DELETE', `/repo/${nameOf('locks', 'L')}`)).status,
    204,
    'gone already',
  )
})

test('a full disk is 507, and a journal that is away 503', async (t) => {
  const door = await doorWithRepository(t)
  const client = await connected(t, door)
  const append = door.journal.append
  Object.assign(door.journal, { append: () => Promise.reject(new Error('away')) })
  const refused = await client.put(nameOf('index', 'x'), 'x')
  t.is(refused.status, 503)
  Object.assign(door.journal, { append })
})

test('the door can be switched off', async (t) => {
  const door = await openDoor({ listener: { hasDav: false } })
  t.teardown(() => door.close())
  t.is((await ask(door.port, 'OPTIONS', `${base}/`)).status, 404)
})

for (const method of ['PROPFIND', 'HEAD'] as const) {
  test(`who asks with ${method} what its lock is, as rclone does once it has sent it, has not read it`, async (t) => {
    const door = await doorWithRepository(t)
    const runs = [await connected(t, door), await connected(t, door)]
    for (const [at, run] of runs.entries()) {
      await run.begin()
      t.is((await run.put(nameOf('locks', `first ${at}`), `first ${at}`)).status, 201)
      await run.look()
    }
    // Somebody who only opened: all that would be left of those who may have sent the next lock.
    const tool = await connected(t, door)
    await tool.begin()
    await tool.ask('PROPFIND', '/repo/locks/', deep)
    const line = await connected(t, door)
    const next = nameOf('locks', 'next')
    t.is((await line.put(next, 'next')).status, 201)
    t.is((await line.ask(method, pathOf(next), deep)).status, method === 'HEAD' ? 200 : 207)
    const fence = await door.fences.of(repository)
    const author = fence?.state.commits.get(next)?.author
    t.is(author?.kind === 'unknown' ? author.candidates.length : 1, 3)
    t.is((await line.ask('DELETE', pathOf(nameOf('locks', 'first 0')))).status, 204)
  })
}
