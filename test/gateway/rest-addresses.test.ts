/** Addresses: nested repositories, tags, junk names, and everything that tries to leave the root. */
import test from 'ava'
import { listedTypes } from '../../fencing/object.js'
import { parseTarget } from '../../gateway/rest/target.js'
import { nameOf, openDoor } from './door.js'
import { ask } from './raw-client.js'

const digest = '0'.repeat(64)

test('repositories are the root or up to two folders below it', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const key = nameOf('keys', 'key')
  for (const path of ['/', '/a/', '/a/b/']) {
    t.is((await ask(door.port, 'POST', `${path}?create=true`)).status, 200, path)
    t.is((await ask(door.port, 'POST', path + key, { body: 'key' })).status, 200, path)
    t.is((await ask(door.port, 'GET', path + key)).body.toString(), 'key', path)
  }
  t.deepEqual((await door.store.repositories()).sort(), ['', 'a', 'a/b'])
  t.is((await ask(door.port, 'POST', '/a/b/c/?create=true')).status, 404)
  t.is((await ask(door.port, 'POST', `/a/b/c/${key}`, { body: 'key' })).status, 404)
})

test('a folder called like a part of a repository is none', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  for (const type of ['config', ...listedTypes]) {
    await ask(door.port, 'POST', `/${type}/?create=true`)
    await ask(door.port, 'POST', `/a/${type}/?create=true`)
    await ask(door.port, 'POST', `/${type}/b/?create=true`)
  }
  t.deepEqual(await door.store.repositories(), [])
})

test('a tag in the address is the writer and no part of the repository', (t) => {
  const target = parseTarget(`/-/w/laptop.7~x/repo/keys/${digest}`)
  t.like(target, { kind: 'place', tag: 'laptop.7~x', place: { repository: 'repo' } })
  t.like(parseTarget('/-/w/t/keys/'), { kind: 'place', tag: 't', place: { repository: '' } })
  t.like(parseTarget('/-/w/t/a/b/config'), { place: { repository: 'a/b', object: 'config' } })
  for (const tag of ['', 'a b', '%2e%2e%2f', 'a%2Fb', 'x'.repeat(65), 'caf%C3%A9', '%00']) {
    t.is(parseTarget(`/-/w/${tag}/repo/keys/`).kind, 'malformed', tag)
  }
  // What an empty variable leaves: restic gives up at once, where it would try 400 again for minutes.
  t.like(parseTarget('/-/w//repo/config'), { kind: 'malformed', status: 403 })
})

test("the gateway's own folder is no repository, however it is spelt", (t) => {
  const spellings = ['.lockkeeper', '.LockKeeper', '%2elockkeeper', '.%6Cockkeeper']
  const folded = ['.loc%E2%84%AAkeeper', '%EF%BC%8Elockkeeper']
  for (const name of [...spellings, ...folded]) {
    for (const path of [`/${name}/`, `/a/${name}/`, `/${name}/b/`, `/-/w/tag/${name}/`]) {
      t.is(parseTarget(path).kind, 'nowhere', path)
      t.is(parseTarget(`${path}config`).kind, 'nowhere', path)
      t.is(parseTarget(`${path}keys/${digest}`).kind, 'nowhere', path)
    }
  }
})

const escapes = [
  '/../',
  '/%2e%2e/',
  '/a/../',
  '/a/%2E%2E/',
  '/./',
  '/..%2f/',
  '/..%5c/',
  '/a%2F..%2Fb/',
  '/a%2fb/',
  '/a%5Cb/',
  '/a%00/',
  '/%0d%0aX/',
  '/a%7f/',
  '//',
  '//a/',
  '/a//',
  '/a//b/',
  '/-/w/tag/../',
  '/-/w/tag//',
  '/-/x/tag/repo/',
  '/-/',
  '/-/w/',
  `/${'x'.repeat(256)}/`,
  `/${'%C3%A9'.repeat(128)}/`,
]

test('no address leads out of the root or to a name that is no folder', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const key = nameOf('keys', 'key')
  for (const path of escapes) {
    t.is((await ask(door.port, 'POST', `${path}?create=true`)).status, 404, path)
    t.is((await ask(door.port, 'GET', `${path}config`)).status, 404, path)
    t.is((await ask(door.port, 'POST', path + key, { body: 'key' })).status, 404, path)
    t.is((await ask(door.port, 'DELETE', path + key)).status, 404, path)
  }
  t.deepEqual(await door.store.repositories(), [])
})

test('a list is never answered 404, wherever it is asked for', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  // A list's name after "/-/w/" is a tag.
  const places = escapes.filter((path) => path !== '/-/w/')
  const folders = [...places, '/none/', '/a/b/c/d/', '/.lockkeeper/', '/keys/']
  for (const folder of folders) {
    for (const type of listedTypes) {
      const answer = await ask(door.port, 'GET', `${folder}${type}/`)
      t.true([400, 403].includes(answer.status), `${folder}${type}/: ${answer.status}`)
    }
  }
})

test('names that are no SHA-256 in lower-case hex are not found', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  const upper = nameOf('keys', 'key').toUpperCase().replace('KEYS', 'keys')
  const names = [
    upper,
    `keys/${digest}0`,
    `keys/${digest.slice(1)}`,
    'keys/x',
    `junk/${digest}`,
  ]
  const more = [`keys/${digest}/`, `keys/${digest}%00`, `data/00/${digest}`, 'config2', 'keys']
  for (const name of [...names, ...more]) {
    t.is((await ask(door.port, 'HEAD', `/repo/${name}`)).status, 404, name)
    t.is((await ask(door.port, 'POST', `/repo/${name}`, { body: 'key' })).status, 404, name)
    t.is((await ask(door.port, 'DELETE', `/repo/${name}`)).status, 404, name)
  }
})

test('repository names may be any Unicode, percent-encoded', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const path = `/${encodeURIComponent('Sauvegarde été 日本 & 100%')}/`
  t.is((await ask(door.port, 'POST', `${path}?create=true`)).status, 200)
  t.is((await ask(door.port, 'POST', `${path}config`, { body: 'c' })).status, 200)
  t.is((await ask(door.port, 'GET', `${path}config`)).body.toString(), 'c')
  t.deepEqual(await door.store.repositories(), ['Sauvegarde été 日本 & 100%'])
})

test('what is not percent-encoded UTF-8 is refused as such', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  for (const path of ['/%/config', '/%zz/keys/', '/%ff/config', '/%C3/config']) {
    t.is((await ask(door.port, 'GET', path)).status, 400, path)
  }
  t.is(parseTarget('/caf\u00c3\u00a9/config').kind, 'malformed')
})

test('the whole address in the first line means the same, and its password is not logged', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  const list = await ask(door.port, 'GET', 'http://user:secret@gateway/repo/keys/')
  t.is(list.body.toString(), '[]')
  t.is((await ask(door.port, 'GET', 'http://user:secret@gateway/junk')).status, 404)
  t.false(JSON.stringify(door.log).includes('secret'))
})

test('methods that an address does not have are told which it has', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const cases = [
    ['/repo/', 'POST'],
    ['/repo/keys/', 'GET'],
    [`/repo/keys/${digest}`, 'HEAD, GET, POST, DELETE'],
  ] as const
  for (const [path, allow] of cases) {
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND', 'PURGE', 'TRACE']) {
      const answer = await ask(door.port, method, path)
      t.is(answer.status, 405, `${method} ${path}`)
      t.is(answer.headers['allow'], allow)
    }
  }
})
