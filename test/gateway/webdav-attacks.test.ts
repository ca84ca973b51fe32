/** What ends, or fools, a stock webdav-server, asked of this door: it answers, lives on, and leaves nothing open. */
import test from 'ava'
import { readdir } from 'node:fs/promises'
import { eventually } from '../end-to-end/harness/wait.js'
import { DavClient, davBase, openPlainDoor, type PlainDoor } from './dav-client.js'
import { ask, RawClient, type Asked } from './raw-client.js'

interface Attack {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly asked?: Asked
  readonly expected: number
}

const propfind = (body: string, ...headers: string[]): Asked => ({
  headers: ['Depth: 0', ...headers],
  body,
})
const to = (destination: string): Asked => ({ headers: [`Destination: ${destination}`] })
const many = '<D:propfind xmlns:D="DAV:"><D:prop>' + '<a xmlns="b"/>'.repeat(300)
const entity =
  '<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]>' +
  '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag>&y;</D:getetag></D:prop></D:propfind>'
const sets = '<D:set><D:prop><a xmlns="b">1</a></D:prop></D:set>'
const twoSets = `<D:propertyupdate xmlns:D="DAV:">${sets}${sets}</D:propertyupdate>`

const attacks: readonly Attack[] = [
  { name: 'half an escape', method: 'GET', path: '/%', expected: 400 },
  { name: 'an escape that is no UTF-8', method: 'GET', path: '/%ff', expected: 400 },
  { name: 'a zero byte', method: 'GET', path: '/a%00b', expected: 403 },
  { name: 'a line break', method: 'PUT', path: '/a%0d%0ab', expected: 403 },
  { name: 'dots', method: 'PUT', path: '/../a', asked: { body: 'x' }, expected: 403 },
  { name: 'dots, escaped', method: 'PUT', path: '/%2e%2e/a', expected: 403 },
  { name: 'dots with a slash, escaped', method: 'PUT', path: '/..%2fa', expected: 403 },
  { name: 'dots with a backslash', method: 'PUT', path: '/..%5ca', expected: 403 },
  { name: 'a fragment', method: 'DELETE', path: '/file#x', expected: 400 },
  { name: 'parts without end', method: 'PUT', path: '/a'.repeat(500), expected: 403 },
  { name: 'a long name', method: 'PUT', path: `/${'a'.repeat(300)}`, expected: 403 },
  {
    name: 'If on PUT',
    method: 'PUT',
    path: '/file',
    asked: { headers: ['If: (<urn:uuid:1>)'], body: 'x' },
    expected: 412,
  },
  {
    name: 'If on MKCOL',
    method: 'MKCOL',
    path: '/b',
    asked: { headers: ['If: (<urn:uuid:1>)'] },
    expected: 412,
  },
  {
    name: 'a header that the library takes for If',
    method: 'MKCOL',
    path: '/c',
    asked: { headers: ['I-f: (<urn:uuid:1>)', 'De-pth: x'] },
    expected: 201,
  },
  {
    name: 'If without end',
    method: 'PUT',
    path: '/file',
    asked: { headers: [`If: ${'(<a>'.repeat(2000)}`], body: 'x' },
    expected: 400,
  },
  {
    name: 'a destination that is no UTF-8',
    method: 'MOVE',
    path: '/file',
    asked: to('http://x/-/dav/%ff'),
    expected: 400,
  },
  {
    name: 'a destination elsewhere',
    method: 'MOVE',
    path: '/file',
    asked: to('http://x/a'),
    expected: 502,
  },
  {
    name: 'a destination outside',
    method: 'COPY',
    path: '/file',
    asked: to(`${davBase}/../../a`),
    expected: 403,
  },
  { name: 'no destination', method: 'COPY', path: '/file', expected: 400 },
  {
    name: 'a destination in the source',
    method: 'MOVE',
    path: '/folder',
    asked: to(`${davBase}/folder/a`),
    expected: 403,
  },
  { name: 'no depth', method: 'PROPFIND', path: '/', expected: 403 },
  {
    name: 'all of the tree',
    method: 'PROPFIND',
    path: '/',
    asked: { headers: ['Depth: infinity'] },
    expected: 403,
  },
  {
    name: 'a depth that is none',
    method: 'PROPFIND',
    path: '/',
    asked: { headers: ['Depth: 2'] },
    expected: 400,
  },
  {
    name: 'XML that is none',
    method: 'PROPFIND',
    path: '/',
    asked: propfind('<a'),
    expected: 400,
  },
  {
    name: 'XML that is deep',
    method: 'PROPFIND',
    path: '/',
    asked: propfind('<a>'.repeat(5000)),
    expected: 400,
  },
  {
    name: 'XML with entities',
    method: 'PROPFIND',
    path: '/',
    asked: propfind(entity),
    expected: 400,
  },
  {
    name: 'XML with a prefix of no namespace',
    method: 'PROPFIND',
    path: '/',
    asked: propfind('<D:propfind xmlns:D="DAV:"><D:prop><x:a/></D:prop></D:propfind>'),
    expected: 400,
  },
  {
    name: 'very many properties',
    method: 'PROPFIND',
    path: '/',
    asked: propfind(`${many}</D:prop></D:propfind>`),
    expected: 400,
  },
  {
    name: 'long XML',
    method: 'PROPFIND',
    path: '/',
    asked: propfind(' '.repeat(2 ** 20 + 1)),
    expected: 413,
  },
  {
    name: 'XML that is no UTF-8',
    method: 'LOCK',
    path: '/file',
    asked: propfind('<a>\ud800</a>'),
    expected: 400,
  },
  {
    name: 'two sets',
    method: 'PROPPATCH',
    path: '/file',
    asked: { body: twoSets },
    expected: 207,
  },
  { name: 'a method of nobody', method: 'REPORT', path: '/file', expected: 405 },
  {
    name: 'an upload in parts',
    method: 'PUT',
    path: '/file',
    asked: { headers: ['Content-Range: bytes 0-1/2'] },
    expected: 400,
  },
]

async function doorWithFile(t: Parameters<typeof openPlainDoor>[0]): Promise<PlainDoor> {
  const door = await openPlainDoor(t)
  await ask(door.port, 'PUT', `${davBase}/file`, { body: 'as it was' })
  await ask(door.port, 'MKCOL', `${davBase}/folder`)
  return door
}

for (const { name, method, path, asked, expected } of attacks) {
  test(`answered: ${name}`, async (t) => {
    const door = await doorWithFile(t)
    const client = await DavClient.connect(t, door)
    const answer = await client.ask(method, path, asked)
    t.is(answer.status, expected)
    t.is(answer.headers['access-control-allow-origin'], undefined)
    t.is((await client.ask('GET', '/file')).body.toString(), 'as it was')
    t.deepEqual(await readdir(door.outside), ['root'])
  })
}

test('a length that no memory holds costs none', async (t) => {
  const door = await doorWithFile(t)
  for (const method of ['PROPFIND', 'LOCK', 'PROPPATCH', 'MKCOL', 'MOVE']) {
    const client = await RawClient.connect(door.port)
    client.ask(
      `${method} ${davBase}/file HTTP/1.1`,
      'Host: g',
      'Depth: 0',
      'Content-Length: 6000000000',
    )
    client.send('<a')
    client.end()
    await client.closed()
    client.destroy()
  }
  t.is((await ask(door.port, 'GET', `${davBase}/file`)).body.toString(), 'as it was')
})

test('a body in chunks is read like any other', async (t) => {
  const door = await doorWithFile(t)
  const client = await DavClient.connect(t, door)
  const body = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
  client.raw.ask(
    `PROPFIND ${davBase}/file HTTP/1.1`,
    'Host: g',
    'Depth: 0',
    'Transfer-Encoding: chunked',
  )
  client.raw.send(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  const answer = (await client.raw.answer())?.body.toString() ?? ''
  t.true(answer.includes('<D:getetag>'))
  t.false(answer.includes('resourcetype'))
})

test('answers that are not read to their end leave nothing open', async (t) => {
  const door = await doorWithFile(t)
  await ask(door.port, 'PUT', `${davBase}/large`, { body: Buffer.alloc(8 * 2 ** 20) })
  const before = (await readdir('/proc/self/fd')).length
  for (let count = 0; count < 20; count += 1) {
    const client = await RawClient.connect(door.port)
    client.ask(`GET ${davBase}/large HTTP/1.1`, 'Host: g')
    if (count % 2 === 0) await client.answer({ isHead: true })
    client.reset()
  }
  await eventually('every descriptor to be closed', async () => {
    return (await readdir('/proc/self/fd')).length <= before + 1
  })
  t.pass()
})

test('locks without end fill a table that has one, and only that', async (t) => {
  const door = await doorWithFile(t)
  const client = await DavClient.connect(t, door)
  const lock =
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
  const statuses = new Set<number>()
  for (let count = 0; count < 33; count += 1) {
    statuses.add(await client.status('LOCK', '/file', { body: lock }))
  }
  t.deepEqual([...statuses], [200, 503])
})

test('names with every kind of character come back as they are', async (t) => {
  const door = await doorWithFile(t)
  const client = await DavClient.connect(t, door)
  for (const name of [
    'a&b<c>"d\'',
    'é ü 漢字 😀',
    '%41',
    'a+b=c;d:e@f,g!h(i)*',
    '#?x',
    '~.-_',
  ]) {
    const path = `/${encodeURIComponent(name)}`
    t.is(await client.status('PUT', path, { body: name }), 201, name)
    const found = await client.ask('PROPFIND', path, { headers: ['Depth: 0'] })
    const href = /<D:href>([^<]*)</.exec(found.body.toString())?.[1] ?? ''
    t.is(decodeURIComponent(href), `${davBase}/${name}`)
    t.is((await client.ask('GET', href.slice(davBase.length))).body.toString(), name)
    const to = { headers: [`Destination: ${davBase}/folder${path}`] }
    t.is(await client.status('COPY', path, to), 201, name)
    t.is(await client.status('DELETE', `/folder${path}`), 204, name)
  }
})
