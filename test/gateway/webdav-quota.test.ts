/** A bound on the bytes that is one for packs and plain files together, kept through every way in which files come and go. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openLocalStore } from '../../backends/local/local-store.js'
import { openPlainFolder } from '../../backends/local/plain-folder.js'
import { withQuota } from '../../backends/quota-store.js'
import { boundedFiles, sizesBelow } from '../../gateway/webdav/bounded-files.js'
import { DavClient } from './dav-client.js'
import { nameOf, openDoor, type Door } from './door.js'

const forever = new AbortController().signal

interface Bounded {
  readonly client: DavClient
  readonly door: Door
  /** Walks over everything anew; answers the bytes. */
  readonly count: () => Promise<number>
  /** How many bytes still fit, as far as is known. */
  readonly left: () => number
}

const bytesMax = 10_000

/** A door over a folder in which 1000 bytes of plain files lie already, some of them beside a repository. */
const bounded = async (t: ExecutionContext): Promise<Bounded> => {
  const root = await mkdtemp(join(tmpdir(), 'lockkeeper-quota-'))
  await mkdir(join(root, 'docs/deep'), { recursive: true })
  await writeFile(join(root, 'docs/a'), Buffer.alloc(600))
  await writeFile(join(root, 'docs/deep/b'), Buffer.alloc(400))
  const local = await openLocalStore({ root })
  const files = await openPlainFolder({ root })
  const quota = withQuota({ store: local, bytesMax })
  const plain = boundedFiles(files, quota.space)
  const door = await openDoor({ store: quota.store, listener: { plain } })
  t.teardown(async () => {
    await door.close()
    await rm(root, { recursive: true, force: true })
  })
  const client = await DavClient.connect(t, door)
  const left = (): number => {
    const fits = (bytes: number): boolean => {
      try {
        quota.space.require(bytes)
        return true
      } catch {
        return false
      }
    }
    let low = -1
    for (let high = bytesMax + 1; high - low > 1;) {
      const middle = Math.floor((low + high) / 2)
      if (fits(middle)) low = middle
      else high = middle
    }
    return low
  }
  const count = (): Promise<number> => {
    const anew = withQuota({ store: local, bytesMax })
    return anew.count(forever, () => undefined, sizesBelow(files, []))
  }
  await quota.count(forever, () => undefined, sizesBelow(files, []))
  return { client, door, count, left }
}

const of = (bytes: number): { body: Buffer } => ({ body: Buffer.alloc(bytes) })

test('packs and plain files share one bound: 507 for whichever does not fit', async (t) => {
  const { client, left } = await bounded(t)
  t.is(left(), 9000)
  for (const folder of ['', '/keys', '/data', '/data/00'])
    await client.status('MKCOL', `/repo${folder}`)
  t.is(await client.status('PUT', '/repo/config', { body: 'config' }), 201)
  const put = (bytes: number): Promise<number> => {
    const body = Buffer.alloc(bytes, bytes)
    const [, digest = ''] = nameOf('data', body).split('/')
    return client.status('PUT', `/repo/data/${digest.slice(0, 2)}/${digest}`, { body })
  }
  t.is(await put(5000), 201)
  t.is(await client.status('PUT', '/docs/large', of(4000)), 507)
  t.is(await client.status('PUT', '/docs/large', of(3900)), 201)
  t.is(await put(200), 507)
  const told = await client.ask('PUT', '/docs/more', of(200))
  t.is(told.status, 507)
  t.regex(told.body.toString(), /full|space/i)
  t.is(await client.status('DELETE', '/docs/large'), 204)
  t.is(await put(200), 201)
})

test('a body without a length is refused once it does not fit, and leaves nothing', async (t) => {
  const { client, count, left } = await bounded(t)
  const chunk = Buffer.from(`1000\r\n${'x'.repeat(4096)}\r\n`)
  const body = Buffer.concat([chunk, chunk, chunk, Buffer.from('0\r\n\r\n')])
  const head = [`PUT ${client.base}/docs/endless HTTP/1.1`, 'Host: g']
  client.raw.ask(...head, 'Transfer-Encoding: chunked')
  client.raw.send(body)
  t.is((await client.raw.answer())?.status, 507)
  t.is(await client.status('PROPFIND', '/docs/endless', { headers: ['Depth: 0'] }), 404)
  t.is(left(), bytesMax - (await count()))
})

test('what files take is known after all that can become of them', async (t) => {
  const { client, count, left } = await bounded(t)
  const to = (path: string): { headers: string[] } => ({
    headers: [`Destination: http://g${client.base}${path}`],
  })
  const steps: [name: string, ...asked: Parameters<DavClient['status']>][] = [
    ['a new file', 'PUT', '/docs/c', of(300)],
    ['a smaller one in its place', 'PUT', '/docs/c', of(100)],
    ['a copy of a folder', 'COPY', '/docs', to('/copy')],
    ['a copy over a file', 'COPY', '/docs/c', to('/copy/a')],
    ['a move', 'MOVE', '/docs/a', to('/copy/moved')],
    ['a move over a file', 'MOVE', '/copy/moved', to('/copy/c')],
    ['a file goes', 'DELETE', '/docs/c'],
    ['a folder goes', 'DELETE', '/copy'],
    ['a folder comes', 'MKCOL', '/new'],
  ]
  for (const [name, ...asked] of steps) {
    t.true((await client.status(...asked)) < 300, name)
    t.is(left(), bytesMax - (await count()), name)
  }
  t.is(await client.status('PUT', '/new/x', of(8000)), 201)
  t.is(await client.status('COPY', '/new', to('/again')), 507, 'a copy does not fit')
  t.is(await client.status('PUT', '/docs', of(10)), 405)
  t.is(left(), bytesMax - (await count()))
})

test('files that many replace at once are given back once', async (t) => {
  const { client, door, count, left } = await bounded(t)
  await client.status('PUT', '/docs/c', of(1000))
  const many = Array.from({ length: 8 }, async (_, at) => {
    const other = await DavClient.connect(t, door)
    await other.status('PUT', '/docs/c', of(100 + at))
    await other.status('DELETE', at % 2 === 0 ? '/docs' : '/docs/c')
  })
  await Promise.all(many)
  t.is(left(), bytesMax - (await count()))
})

test('until all is counted, files are read, removed, and not written', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'lockkeeper-quota-'))
  await writeFile(join(root, 'a'), 'a')
  const quota = withQuota({ store: await openLocalStore({ root }), bytesMax })
  const plain = boundedFiles(await openPlainFolder({ root }), quota.space)
  const door = await openDoor({ store: quota.store, listener: { plain } })
  t.teardown(async () => {
    await door.close()
    await rm(root, { recursive: true, force: true })
  })
  const client = await DavClient.connect(t, door)
  t.is(await client.status('PUT', '/b', of(1)), 503)
  const headers = [`Destination: http://g${client.base}/b`]
  t.is(await client.status('MOVE', '/a', { headers }), 503)
  t.is(await client.status('COPY', '/a', { headers }), 503)
  t.is((await client.ask('GET', '/a')).body.toString(), 'a')
  t.is(await client.status('DELETE', '/a'), 204)
})
