/** WebDAV behind a proxy that takes a prefix off each address, and for clients that look at the server's root first. */
import test from 'ava'
import { DavClient, davBase, hrefsOf, openPlainDoor } from './dav-client.js'
import { parseBasePath } from '../../gateway/webdav/prefix.js'
import { parseTrustedRange, type TrustedRange } from '../../config/trusted-range.js'
import type { Asked } from './raw-client.js'

const loopback = parseTrustedRange('127.0.0.1') as TrustedRange

const behind = (prefix: string, ...more: string[]): Asked => ({
  headers: ['X-Forwarded-For: 192.0.2.7', `X-Forwarded-Prefix: ${prefix}`, ...more],
})

test('hrefs begin with the prefix that a trusted proxy names, or with the setting', async (t) => {
  const door = await openPlainDoor(t, { listener: { trusted: [loopback], basePath: '/set' } })
  const client = await DavClient.connect(t, door)
  t.is(await client.status('PUT', '/a.txt', { body: 'a' }), 201)
  const list = async (asked: Asked): Promise<string[]> =>
    hrefsOf(
      await client.ask('PROPFIND', '/', { headers: ['Depth: 1', ...(asked.headers ?? [])] }),
    )
  t.deepEqual(await list(behind('/backup/')), ['/backup/-/dav/', '/backup/-/dav/a.txt'])
  t.deepEqual(await list({}), ['/set/-/dav/', '/set/-/dav/a.txt'])
  t.deepEqual(await list(behind('no path')), ['/set/-/dav/', '/set/-/dav/a.txt'])
})

test('nobody but a trusted proxy is believed', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  const answer = await client.ask('PROPFIND', '/', behind('/backup', 'Depth: 0'))
  t.deepEqual(hrefsOf(answer), ['/-/dav/'])
})

test('MOVE, COPY and If are understood with the prefix and without it', async (t) => {
  const door = await openPlainDoor(t, { listener: { trusted: [loopback] } })
  const client = await DavClient.connect(t, door)
  await client.ask('PUT', '/a.txt', { body: 'a' })
  const to = (path: string): string => `Destination: https://host${path}`
  const copied = behind('/backup', to(`/backup${davBase}/b.txt`))
  t.is(await client.status('COPY', '/a.txt', copied), 201)
  const moved = behind('/backup', to(`${davBase}/c.txt`))
  t.is(await client.status('MOVE', '/b.txt', moved), 201)
  const unknown = behind('/backup', to('/elsewhere/-/dav/d.txt'))
  t.is(await client.status('MOVE', '/c.txt', unknown), 502)
  const { headers } = await client.ask('HEAD', '/c.txt')
  const held = `If: <https://host/backup${davBase}/c.txt> ([${headers.etag ?? ''}])`
  t.is(await client.status('PUT', '/c.txt', { ...behind('/backup', held), body: 'd' }), 204)
  t.is(await client.status('PUT', '/c.txt', { ...behind('/backup', held), body: 'e' }), 412)
})

test('a file that anybody wrote is no page of this server', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await client.ask('PUT', '/page.html', { body: '<script>alert(1)</script>' })
  const { headers } = await client.ask('GET', '/page.html')
  t.is(headers['x-content-type-options'], 'nosniff')
  t.is(headers['content-disposition'], 'attachment')
  t.is(headers['content-security-policy'], "sandbox; default-src 'none'")
})

test('a prefix is a path and nothing else', (t) => {
  t.is(parseBasePath('/a/b/'), '/a/b')
  t.is(parseBasePath('/'), '')
  for (const text of ['a', '//host', '/a b', '/<x>', '/a"b', `/${'a'.repeat(300)}`, '/a//b']) {
    t.is(parseBasePath(text), undefined, text)
  }
})

test('Explorer asks the root first, and each folder on the way', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door, '')
  const agent = 'User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045'
  const options = await client.ask('OPTIONS', '/', { headers: [agent, 'translate: f'] })
  t.is(options.status, 200)
  t.is(options.headers.dav, '1, 2')
  t.is(options.headers['ms-author-via'], 'DAV')
  const asked = (depth: string): Asked => ({ headers: [agent, `Depth: ${depth}`] })
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/', asked('0'))), ['/'])
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/', asked('1'))), ['/', '/-/'])
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/-', asked('1'))), ['/-/', '/-/dav/'])
  t.is(await client.status('PROPFIND', '/-/dav', asked('0')), 207)
  t.is(await client.status('PROPFIND', '/', { headers: ['Depth: x'] }), 400)
  t.is(await client.status('PROPPATCH', '/', {}), 405)
  t.is(await client.status('GET', '/', {}), 405)
})
