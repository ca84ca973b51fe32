/** What Windows Explorer and macOS Finder ask when a person reads and writes through them, request by request. */
import test from 'ava'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DavClient, davBase, hrefsOf, openPlainDoor } from './dav-client.js'
import { nameOf } from './door.js'
import { ask, type Asked } from './raw-client.js'

const lockBody = (owner: string): string =>
  '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>' +
  `<D:locktype><D:write/></D:locktype><D:owner><D:href>${owner}</D:href></D:owner></D:lockinfo>`

async function openWithRepository(t: Parameters<typeof openPlainDoor>[0]) {
  const door = await openPlainDoor(t)
  await ask(door.port, 'POST', '/repo/?create=true')
  await ask(door.port, 'POST', '/repo/config', { body: 'config' })
  return door
}

test('Explorer: looks around, writes a file under a lock, renames and removes it', async (t) => {
  const door = await openWithRepository(t)
  const client = await DavClient.connect(t, door)
  const agent = 'User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045'
  const as = (...more: string[]): Asked => ({ headers: [agent, 'translate: f', ...more] })

  const options = await client.ask('OPTIONS', '', as())
  t.is(options.status, 200)
  t.is(options.headers['ms-author-via'], 'DAV')
  t.is(options.headers.dav, '1, 2')
  t.is(await client.status('PROPFIND', '', as('Depth: 0')), 207)
  const listed = await client.ask('PROPFIND', '/', as('Depth: 1'))
  t.regex(listed.body.toString(), /<D:creationdate>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ</)
  t.is(await client.status('PROPFIND', '/desktop.ini', as('Depth: 0')), 404)
  t.is(await client.status('PROPFIND', '/repo', as('Depth: 1')), 207)
  t.is((await client.ask('GET', '/repo/config', as())).body.toString(), 'config')

  const path = '/New%20Text%20Document.txt'
  t.is(await client.status('PROPFIND', path, as('Depth: 0')), 404)
  t.is(await client.status('PUT', path, { ...as(), body: '' }), 201)
  const locked = await client.ask('LOCK', path, {
    ...as('Timeout: Second-3600', 'Content-Type: text/xml; charset="utf-8"'),
    body: lockBody('DESKTOP\\me'),
  })
  t.is(locked.status, 200)
  const token = locked.headers['lock-token'] ?? ''
  const held = `If: (${token})`
  t.is(await client.status('HEAD', path, as()), 200)
  t.is(await client.status('PUT', path, { ...as(held), body: 'typed' }), 204)
  const times =
    '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">' +
    '<D:set><D:prop><Z:Win32CreationTime>Tue, 24 Nov 2026 18:00:00 GMT</Z:Win32CreationTime>' +
    '<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>'
  const patched = await client.ask('PROPPATCH', path, { ...as(held), body: times })
  t.is(patched.status, 207)
  t.notRegex(patched.body.toString(), /HTTP\/1.1 [45]/)
  t.is(await client.status('UNLOCK', path, as(`Lock-Token: ${token}`)), 204)
  const to = `Destination: http://gateway${davBase}/letter.txt`
  t.is(await client.status('MOVE', path, as(to, 'Overwrite: F')), 201)
  const shown = await client.ask('PROPFIND', '/letter.txt', as('Depth: 0'))
  t.regex(
    shown.body.toString(),
    /<Win32FileAttributes xmlns="urn:schemas-microsoft-com:">00000020</,
  )
  t.is(await readFile(join(door.root, 'letter.txt'), 'utf8'), 'typed')
  t.is(await client.status('DELETE', '/letter.txt', as()), 204)

  const key = nameOf('keys', 'key')
  t.is(await client.status('PUT', `/repo/${key}`, { ...as(), body: 'key' }), 403)
  t.is(await client.status('LOCK', `/repo/${key}`, { ...as(), body: lockBody('me') }), 403)
  t.is(await client.status('DELETE', '/repo', as()), 403)
})

test('Finder: mounts, copies a file with its fork and its .DS_Store, and removes a folder', async (t) => {
  const door = await openWithRepository(t)
  const client = await DavClient.connect(t, door)
  const as = (...more: string[]): Asked => ({
    headers: ['User-Agent: WebDAVFS/3.0.0 (03008000) Darwin/23.0.0 (x86_64)', ...more],
  })
  const wanted =
    '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/>' +
    '<D:getcontentlength/><D:creationdate/><D:resourcetype/><D:quota-available-bytes/></D:prop></D:propfind>'

  t.is((await client.ask('OPTIONS', '/', as())).headers.dav, '1, 2', 'else it mounts read-only')
  const root = await client.ask('PROPFIND', '/', { ...as('Depth: 0'), body: wanted })
  t.regex(root.body.toString(), /<D:quota-available-bytes\/>.*404 Not Found/)
  const listed = await client.ask('PROPFIND', '/', { ...as('Depth: 1'), body: wanted })
  t.deepEqual(hrefsOf(listed), ['/-/dav/', '/-/dav/repo/'])
  t.is(await client.status('MKCOL', '/untitled%20folder', as()), 201)
  const folder = '/untitled%20folder'
  for (const [name, content] of [
    ['._photo.jpg', 'fork'],
    ['photo.jpg', 'picture'],
    ['.DS_Store', 'view'],
  ]) {
    const path = `${folder}/${name ?? ''}`
    t.is(await client.status('PROPFIND', path, { ...as('Depth: 0'), body: wanted }), 404)
    t.is(await client.status('PUT', path, { ...as(), body: '' }), 201)
    const locked = await client.ask('LOCK', path, {
      ...as('Depth: 0', 'Timeout: Second-600'),
      body: lockBody('http://www.apple.com/webdav_fs/'),
    })
    t.is(locked.status, 200)
    const token = locked.headers['lock-token'] ?? ''
    const held = as(`If: (${token})`)
    t.is(await client.status('PUT', path, { ...held, body: content ?? '' }), 204)
    t.is(await client.status('LOCK', path, as(`If: (${token})`, 'Timeout: Second-600')), 200)
    t.is(await client.status('UNLOCK', path, as(`Lock-Token: ${token}`)), 204)
  }
  const read = await client.ask('GET', `${folder}/photo.jpg`, as('Range: bytes=3-'))
  t.is(read.status, 206)
  t.is(read.body.toString(), 'ture')
  t.is(read.headers['content-type'], 'image/jpeg')
  t.deepEqual((await readdir(join(door.root, 'untitled folder'))).sort(), [
    '.DS_Store',
    '._photo.jpg',
    'photo.jpg',
  ])
  t.is((await client.ask('GET', '/repo/config', as())).body.toString(), 'config')
  t.is(await client.status('PUT', '/repo/.DS_Store', { ...as(), body: 'view' }), 403)
  t.is(await client.status('DELETE', folder, as()), 204)
})
