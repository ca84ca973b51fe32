/** Plain files beside the repositories: ordinary storage that never reaches a repository or leaves the root. */
import test from 'ava'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../end-to-end/harness/wait.js'
import { DavClient, davBase, hrefsOf, openPlainDoor } from './dav-client.js'
import { nameOf, openDoor, realClock } from './door.js'
import type { Asked } from './raw-client.js'

const deep = { headers: ['Depth: 1'] }

function to(path: string, ...more: string[]): Asked {
  return { headers: [`Destination: http://gateway${davBase}${path}`, ...more] }
}

const exclusive = (more: readonly string[] = []): Asked => ({
  headers: [...more],
  body:
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>' +
    '<D:locktype><D:write/></D:locktype><D:owner>me &amp; you</D:owner></D:lockinfo>',
})

test('files are put, read, replaced, moved, copied and removed', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  t.is(await client.status('MKCOL', '/docs'), 201)
  t.is(await client.status('MKCOL', '/docs'), 405)
  t.is(await client.status('MKCOL', '/no/docs'), 409)
  t.is(await client.status('PUT', '/no/a.txt', { body: 'a' }), 409)
  const put = await client.ask('PUT', '/docs/a%20b.txt', { body: 'first' })
  t.is(put.status, 201)
  t.is(await readFile(join(door.root, 'docs', 'a b.txt'), 'utf8'), 'first')
  const again = await client.ask('PUT', '/docs/a%20b.txt', { body: 'second' })
  t.is(again.status, 204)
  t.not(again.headers.etag, put.headers.etag)
  const got = await client.ask('GET', '/docs/a%20b.txt')
  t.is(got.body.toString(), 'second')
  t.is(got.headers['content-type'], 'text/plain')
  t.is(got.headers.etag, again.headers.etag)
  t.is(got.headers['last-modified'], again.headers['last-modified'])
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/docs', deep)), [
    '/-/dav/docs/',
    '/-/dav/docs/a%20b.txt',
  ])
  t.is(await client.status('COPY', '/docs', to('/copy')), 201)
  t.is(await client.status('COPY', '/docs', to('/copy', 'Overwrite: F')), 412)
  t.is(await client.status('COPY', '/docs', to('/copy')), 204)
  t.is(await client.status('COPY', '/docs', to('/shallow', 'Depth: 0')), 201)
  t.deepEqual(await readdir(join(door.root, 'shallow')), [])
  t.is(await client.status('MOVE', '/copy/a%20b.txt', to('/docs/c')), 201)
  t.is(await client.status('DELETE', '/docs'), 204)
  t.is(await client.status('DELETE', '/docs'), 404)
  t.deepEqual((await readdir(door.root)).sort(), ['.lockkeeper', 'copy', 'shallow'])
})

test('no body that breaks off is ever seen, and what was there stays', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await client.ask('PUT', '/a', { body: 'whole' })
  for (const path of ['/a', '/b']) {
    const broken = await DavClient.connect(t, door)
    broken.raw.ask(`PUT ${davBase}${path} HTTP/1.1`, 'Host: g', 'Content-Length: 10')
    broken.raw.send('half')
    broken.raw.reset()
  }
  await eventually('the half files to be gone', async () => {
    return (await readdir(join(door.root, '.lockkeeper/plain/work'))).length === 0
  })
  t.is((await client.ask('GET', '/a')).body.toString(), 'whole')
  t.is(await client.status('GET', '/b'), 404)
})

test('a repository is begun in an empty folder only, and is out of reach from then on', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await client.ask('MKCOL', '/photos')
  await client.ask('PUT', '/photos/a', { body: 'a' })
  t.is(await client.status('MKCOL', '/photos/data'), 403)
  t.is(await client.status('PUT', '/photos/config', { body: 'x' }), 409)
  await client.ask('MKCOL', '/repo')
  t.is(await client.status('MKCOL', '/repo/keys/'), 201)
  const key = nameOf('keys', 'key')
  t.is(await client.status('PUT', `/repo/${key}`, { body: 'key' }), 201)
  t.is(await client.status('PUT', '/repo/config', { body: 'config' }), 201)
  for (const path of ['/repo/x', '/repo/keys/x', '/repo/data/x']) {
    t.is(await client.status('PUT', path, { body: 'x' }), 403, path)
    t.is(await client.status('MKCOL', path), 403, path)
    t.is(await client.status('MOVE', '/photos/a', to(path)), 403, path)
    t.is(await client.status('COPY', '/photos/a', to(path)), 403, path)
  }
  for (const path of ['/repo', '/repo/config', '/repo/keys', `/repo/${key}`]) {
    t.is(await client.status('MOVE', path, to('/photos/b')), 403, path)
    t.is(await client.status('COPY', path, to('/photos/b')), 403, path)
    t.is(await client.status('MOVE', '/photos/a', to(path)), 403, path)
  }
  t.is(await client.status('DELETE', '/repo'), 403)
  t.is(await client.status('DELETE', '/'), 403)
  t.is(await client.status('LOCK', '/repo', exclusive()), 403)
  const listed = hrefsOf(await client.ask('PROPFIND', '/', deep)).sort()
  t.deepEqual(listed, ['/-/dav/', '/-/dav/photos/', '/-/dav/repo/'])
  t.is((await client.ask('GET', '/repo/config')).body.toString(), 'config')
})

test('what holds a repository, or would become one, is neither moved nor removed', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await client.ask('MKCOL', '/alice')
  await client.ask('MKCOL', '/alice/laptop')
  t.is(await client.status('MKCOL', '/alice/laptop/data'), 201)
  t.is(await client.status('DELETE', '/alice'), 403)
  t.is(await client.status('MOVE', '/alice', to('/bob')), 403)
  t.is(await client.status('COPY', '/alice', to('/bob')), 403)
  for (const path of ['/a', '/a/b', '/a/b/c', '/a/b/c/d', '/a/b/c/d/data']) {
    t.is(await client.status('MKCOL', path), 201, path)
  }
  t.is(
    await client.status('MOVE', '/a/b/c/d', to('/d')),
    403,
    'd/data would begin a repository',
  )
  t.is(await client.status('MOVE', '/a/b/c/d/data', to('/a/data')), 403)
  await client.ask('PUT', '/x', { body: 'x' })
  t.is(await client.status('MOVE', '/x', to('/alice')), 403, 'a repository is in the way')
  t.deepEqual(await door.store.repositories(), ['alice/laptop'])
})

test('passwords, keys and logs in the folder are neither shown nor changed', async (t) => {
  const own = ['certificates/key', 'access.log', 'linked']
  const door = await openPlainDoor(t, {}, own)
  const client = await DavClient.connect(t, door)
  await mkdir(join(door.root, 'certificates'))
  const files = ['.htpasswd', 'certificates/key', 'certificates/other', 'access.log']
  for (const file of files) await writeFile(join(door.root, file), 'as it was')
  const shown = hrefsOf(await client.ask('PROPFIND', '/', deep))
  t.deepEqual(shown, ['/-/dav/', '/-/dav/certificates/'])
  const inside = hrefsOf(await client.ask('PROPFIND', '/certificates/', deep))
  t.deepEqual(inside, ['/-/dav/certificates/', '/-/dav/certificates/other'])
  for (const file of files.filter((one) => one !== 'certificates/other')) {
    t.is(await client.status('GET', `/${file}`), 403, file)
    t.is(await client.status('PROPFIND', `/${file}`, deep), 403, file)
    t.is(await client.status('PUT', `/${file}`, { body: 'mine' }), 403, file)
    t.is(await client.status('DELETE', `/${file}`), 403, file)
    t.is(await client.status('COPY', `/${file}`, to('/copy')), 403, file)
    t.is(await client.status('MOVE', '/certificates/other', to(`/${file}`)), 403, file)
  }
  for (const method of ['COPY', 'MOVE'])
    t.is(await client.status(method, '/certificates', to('/others')), 403, method)
  t.is(await client.status('DELETE', '/certificates'), 403)
  t.is(await client.status('MKCOL', '/linked'), 403, 'one that is still to come')
  for (const file of files)
    t.is(await readFile(join(door.root, file), 'utf8'), 'as it was', file)
})

test('a lock that was taken at one listener holds at another', async (t) => {
  const door = await openPlainDoor(t)
  const other = await openDoor({ store: door.store, listener: { plain: door.plain } })
  t.teardown(() => other.close())
  const [here, there] = [await DavClient.connect(t, door), await DavClient.connect(t, other)]
  const token = (await here.ask('LOCK', '/a', exclusive())).headers['lock-token'] ?? ''
  t.is(await there.status('PUT', '/a', { body: 'a' }), 423)
  const headers = [`If: (${token})`]
  t.is(await there.status('PUT', '/a', { body: 'a', headers }), 204)
})

test('links, devices and the files of the gateway are neither shown nor followed', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await writeFile(join(door.outside, 'secret'), 'secret')
  await mkdir(join(door.outside, 'other'))
  await symlink(join(door.outside, 'secret'), join(door.root, 'link'))
  await symlink(join(door.outside, 'other'), join(door.root, 'folder'))
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/', deep)), ['/-/dav/'])
  t.is(await client.status('GET', '/link'), 404)
  t.is(await client.status('GET', '/folder/x'), 403)
  t.is(await client.status('PUT', '/folder/x', { body: 'x' }), 403)
  t.is(await client.status('MKCOL', '/folder/x'), 403)
  for (const name of [
    '.lockkeeper',
    '%2elockkeeper',
    '.lockkeeper/journal.sqlite',
    '.lockkeeper-x',
  ]) {
    t.is(await client.status('PROPFIND', `/${name}`, deep), 403, name)
    t.is(await client.status('PUT', `/${name}`, { body: 'x' }), 403, name)
    t.is(await client.status('DELETE', `/${name}`), 403, name)
  }
  await client.ask('MKCOL', '/a')
  t.is(await client.status('MOVE', '/a', to('/folder/a')), 403)
  t.is(await client.status('MOVE', '/a', to('/../../b')), 403)
  t.is(await client.status('MOVE', '/a', to('/%2e%2e/b')), 403)
  t.is(await client.status('MOVE', '/a', to('/.lockkeeper/b')), 403)
  t.is(await client.status('COPY', '/', to('/b')), 403)
  t.deepEqual((await readdir(door.outside)).sort(), ['other', 'root', 'secret'])
  t.deepEqual(await readdir(join(door.outside, 'other')), [])
})

test('a lock keeps others out until its token is shown, it is given back, or it expires', async (t) => {
  let passed = 0
  const monotonic = (): number => realClock.monotonic() + passed
  const door = await openPlainDoor(t, { clock: { ...realClock, monotonic } })
  const client = await DavClient.connect(t, door)
  await client.ask('MKCOL', '/docs')
  const locked = await client.ask('LOCK', '/docs', exclusive(['Timeout: Second-600']))
  t.is(locked.status, 200)
  const token = locked.headers['lock-token'] ?? ''
  t.regex(token, /^<urn:uuid:[0-9a-f-]{36}>$/)
  t.regex(locked.body.toString(), /<D:owner>me &amp; you<\/D:owner>/)
  const refused = await client.ask('PUT', '/docs/a', { body: 'a' })
  t.is(refused.status, 423)
  t.regex(refused.body.toString(), /<D:lock-token-submitted><D:href>\/-\/dav\/docs</)
  const held = { headers: [`If: <${davBase}/docs> (${token})`] }
  t.is(await client.status('PUT', '/docs/a', { ...held, body: 'a' }), 201)
  t.is(await client.status('DELETE', '/docs'), 423)
  t.is(await client.status('MOVE', '/docs', to('/moved')), 423)
  t.is(await client.status('COPY', '/docs', to('/copied')), 201)
  t.is(await client.status('LOCK', '/docs/a', exclusive()), 423)
  t.is(await client.status('PROPPATCH', '/docs/a', { body: patch('x', 'y') }), 423)
  t.is(await client.status('UNLOCK', '/docs', { headers: ['Lock-Token: <urn:uuid:1>'] }), 409)
  const shown = await client.ask('PROPFIND', '/docs/a', deep)
  t.true(shown.body.toString().includes(token.slice(1, -1)))
  passed += 590_000
  t.is(
    await client.status('LOCK', '/docs', { headers: [...held.headers, 'Timeout: Second-60'] }),
    200,
  )
  passed += 50_000
  t.is(await client.status('PUT', '/docs/b', { body: 'b' }), 423, 'it was refreshed')
  passed += 11_000
  t.is(await client.status('PUT', '/docs/b', { body: 'b' }), 201, 'it has expired')
  const next = await client.ask('LOCK', '/docs/new', exclusive())
  t.is(next.status, 201, 'an empty file')
  t.is((await client.ask('GET', '/docs/new')).headers['content-length'], '0')
  const back = { headers: [`Lock-Token: ${next.headers['lock-token'] ?? ''}`] }
  t.is(await client.status('UNLOCK', '/docs/new', back), 204)
  t.is(await client.status('PUT', '/docs/new', { body: 'new' }), 204)
})

test('an If header that does not hold changes nothing, and one that is none is refused', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  const put = await client.ask('PUT', '/a', { body: 'a' })
  const etag = put.headers.etag ?? ''
  const withIf = (condition: string): Asked => ({ headers: [`If: ${condition}`], body: 'b' })
  t.is(await client.status('PUT', '/a', withIf('(<urn:uuid:none>)')), 412)
  t.is(await client.status('PUT', '/a', withIf('(["x"])')), 412)
  t.is(await client.status('PUT', '/a', withIf(`(Not [${etag}])`)), 412)
  for (const junk of ['<', '(', '()', 'x', '(Not)', '(Not Not <a>)', '<a>', '(<a>']) {
    t.is(await client.status('PUT', '/a', withIf(junk)), 400, junk)
  }
  t.is((await client.ask('GET', '/a')).body.toString(), 'a')
  t.is(await client.status('PUT', '/a', withIf(`(["x"]) ([${etag}])`)), 204)
  t.is(await client.status('MKCOL', '/b', { headers: ['If: (<urn:uuid:none>)'] }), 412)
})

function patch(name: string, value: string, rest = ''): string {
  return (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>' +
    `<${name} xmlns="http://example.org/ns">${value}</${name}></D:prop></D:set>${rest}</D:propertyupdate>`
  )
}

test('properties stay with their file, and come back as they were', async (t) => {
  const door = await openPlainDoor(t)
  const client = await DavClient.connect(t, door)
  await client.ask('MKCOL', '/docs')
  await client.ask('PUT', '/docs/a', { body: 'a' })
  const value = 'x &lt; <e xmlns="other:ns" b="c &quot;d&quot;">é<f xmlns="other:ns"/></e>'
  const second = '<D:set><D:prop><y xmlns=""> two </y></D:prop></D:set>'
  const set = await client.ask('PROPPATCH', '/docs/a', { body: patch('x', value, second) })
  t.is(set.status, 207)
  t.is(await client.status('MOVE', '/docs', to('/moved')), 201)
  t.is(await client.status('COPY', '/moved', to('/copy')), 201)
  for (const path of ['/moved/a', '/copy/a']) {
    const found = (await client.ask('PROPFIND', path, deep)).body.toString()
    t.true(found.includes(`<x xmlns="http://example.org/ns">${value}</x>`), found)
    t.true(found.includes('<y xmlns=""> two </y>'), found)
  }
  const removal = '<D:remove><D:prop><x xmlns="http://example.org/ns"/></D:prop></D:remove>'
  await client.ask('PROPPATCH', '/copy/a', { body: patch('z', 'z', removal) })
  const after = (await client.ask('PROPFIND', '/copy/a', deep)).body.toString()
  t.false(after.includes('<x xmlns'))
  t.true(after.includes('>z<'))
  const live = '<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>'
  const refused = await client.ask('PROPPATCH', '/copy/a', { body: patch('w', 'w', live) })
  t.regex(refused.body.toString(), /424 Failed Dependency/)
  t.regex(refused.body.toString(), /403 Forbidden/)
  t.false((await client.ask('PROPFIND', '/copy/a', deep)).body.toString().includes('>w<'))
  await client.ask('DELETE', '/copy')
  await client.ask('MKCOL', '/copy')
  await client.ask('PUT', '/copy/a', { body: 'new' })
  t.false((await client.ask('PROPFIND', '/copy/a', deep)).body.toString().includes('>z<'))
})

test('append-only: plain files are added, and nothing of them is lost', async (t) => {
  const door = await openPlainDoor(t, { isAppendOnly: true })
  const client = await DavClient.connect(t, door)
  t.is(await client.status('PUT', '/a', { body: 'a' }), 201)
  t.is(await client.status('PUT', '/a', { body: 'b' }), 403)
  t.is(await client.status('DELETE', '/a'), 403)
  t.is(await client.status('MOVE', '/a', to('/b')), 403)
  t.is(await client.status('COPY', '/a', to('/b')), 201)
  t.is(await client.status('COPY', '/a', to('/b')), 403)
  t.is((await client.ask('GET', '/a')).body.toString(), 'a')
})

test('without --plain-files other files are refused', async (t) => {
  const door = await openPlainDoor(t)
  const bare = await openPlainDoor(t, { listener: { plain: undefined as never } })
  const client = await DavClient.connect(t, bare)
  t.is(await client.status('PUT', '/a', { body: 'a' }), 403)
  t.is(await client.status('PUT', '/a/b/c/d', { body: 'a' }), 403)
  t.is((await client.ask('OPTIONS', '/')).headers.dav, '1')
  const other = await DavClient.connect(t, door)
  t.is((await other.ask('OPTIONS', '/')).headers.dav, '1, 2')
})

test('a user with a folder of its own sees and changes nothing else', async (t) => {
  const door = await openPlainDoor(t, {
    listener: {
      isPrivate: true,
      authenticate: async (request) => ({
        kind: 'user',
        user: String(request.headers['x-user']),
      }),
    },
  })
  const client = await DavClient.connect(t, door)
  const as = (user: string, ...more: string[]): Asked => ({
    headers: [`X-User: ${user}`, ...more],
  })
  t.is(await client.status('MKCOL', '/alice', as('alice')), 201)
  t.is(await client.status('MKCOL', '/bob', as('alice')), 403)
  t.is(await client.status('MKCOL', '/bob', as('bob')), 201)
  t.is(await client.status('PUT', '/bob/a', { ...as('bob'), body: 'a' }), 201)
  t.deepEqual(hrefsOf(await client.ask('PROPFIND', '/', as('alice', 'Depth: 1'))), [
    '/-/dav/',
    '/-/dav/alice/',
  ])
  t.is(await client.status('GET', '/bob/a', as('alice')), 403)
  t.is(
    await client.status('MOVE', '/alice', {
      headers: [...(as('alice').headers ?? []), ...(to('/bob/b').headers ?? [])],
    }),
    403,
  )
  t.is(await client.status('MKCOL', '/alice/repo', as('alice')), 201)
  t.is(await client.status('MKCOL', '/alice/repo/keys', as('alice')), 201)
  t.is(await client.status('PROPFIND', '/alice/repo/keys', as('bob', 'Depth: 1')), 403)
  t.is(await client.status('PROPFIND', '/alice/repo', as('alice', 'Depth: 1')), 207)
  const lock = await client.ask('LOCK', '/alice', { ...exclusive(['X-User: alice']) })
  t.is(lock.status, 200)
})
