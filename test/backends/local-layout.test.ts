/** What the local store finds and leaves on disk: restic's layout, modes, strange files, links. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLocalStore } from '../../backends/local/local-store.js'
import type { ObjectName } from '../../fencing/object.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import {
  bodyOf,
  nameOf,
  put,
  repositoryNamed,
  sha256,
  staging,
} from '../conformance/object-store.js'
import { temporaryFolder } from './temporary-folder.js'

const r = repositoryNamed('r')
const bytes = Buffer.from('some bytes')
const id = sha256(bytes)
const shard = id.slice(0, 2)
const pack = nameOf('data', bytes)
const linked = { instanceOf: BackendError, code: 'linked' } as const
const notAllowed = { instanceOf: BackendError, code: 'not-allowed' } as const

const modeOf = async (...path: readonly string[]): Promise<number> =>
  (await stat(join(...path))).mode & 0o777

async function opened(t: ExecutionContext): Promise<{ root: string; store: ObjectStore }> {
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  await store.create(r)
  return { root, store }
}

test('a repository is laid out as restic does it, for its owner only', async (t) => {
  const { root, store } = await opened(t)
  await put(store, r, pack, bytes)
  await put(store, r, 'config' as ObjectName, bytes)
  const types = ['config', 'data', 'index', 'keys', 'locks', 'snapshots']
  t.deepEqual((await readdir(join(root, 'r'))).sort(), types)
  t.is((await readdir(join(root, 'r/data'))).length, 256)
  t.deepEqual(await readdir(join(root, 'r/data', shard)), [id])
  for (const folder of ['r', 'r/locks', 'r/data', `r/data/${shard}`, '.lockkeeper/staging']) {
    t.is(await modeOf(root, folder), 0o700, folder)
  }
  for (const file of ['r/config', `r/data/${shard}/${id}`]) {
    t.is(await modeOf(root, file), 0o600, file)
  }
})

test('a repository that only was made takes a handful of inodes; its folders of packs come with the first', async (t) => {
  const { root, store } = await opened(t)
  t.deepEqual(await readdir(join(root, 'r/data')), [])
  t.deepEqual(await store.list(r, 'data'), [])
  t.is(await store.stat(r, pack), undefined)
  const packs = Array.from({ length: 5 }, (_, number) => Buffer.from(`pack ${number}`))
  await Promise.all(packs.map((one) => put(store, r, nameOf('data', one), one)))
  t.is((await readdir(join(root, 'r/data'))).length, 256)
  t.is((await store.list(r, 'data'))?.length, 5)
})

test.serial('the group gets access where it is asked for, but not to held bytes', async (t) => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root, isGroupAccessible: true })
  await store.create(r)
  await put(store, r, pack, bytes)
  for (const folder of ['r', 'r/locks', `r/data/${shard}`]) {
    t.is(await modeOf(root, folder), 0o770, folder)
  }
  t.is(await modeOf(root, 'r/data', shard, id), 0o660)
  t.is(await modeOf(root, '.lockkeeper'), 0o700)
  t.is(await modeOf(root, '.lockkeeper/staging'), 0o700)
})

test('an adopted folder without some of its folders is served, and completed as needed', async (t) => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'r', 'data'), { recursive: true })
  await chmod(join(root, 'r'), 0o755)
  const store = await openLocalStore({ root })
  t.true(await store.exists(r))
  t.deepEqual(await store.repositories(), [r])
  t.is(await store.list(r, 'locks'), undefined)
  t.deepEqual(await store.list(r, 'data'), [])
  await put(store, r, nameOf('locks', bytes), bytes)
  await put(store, r, pack, bytes)
  t.is((await store.list(r, 'locks'))?.length, 1)
  t.is((await store.list(r, 'data'))?.length, 1)
  t.is(await modeOf(root, 'r'), 0o755, 'what stands is left as it is')
})

test('nothing is published where the repository has gone', async (t) => {
  const { root, store } = await opened(t)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  await rename(join(root, 'r'), join(root, 'unmounted'))
  const publishing = store.publish(r, staging('s'), pack)
  await t.throwsAsync(() => publishing, { instanceOf: BackendError, code: 'not-found' })
  t.deepEqual(await store.held(r, 'staging'), ['s'])
  t.false((await readdir(root)).includes('r'))
})

test('files that are no objects are in no list and cannot be opened', async (t) => {
  const { root, store } = await opened(t)
  await put(store, r, pack, bytes)
  const data = join(root, 'r/data')
  const other = shard === '00' ? '01' : '00'
  await writeFile(join(data, shard, `${id}.rest-server-temp123`), 'x')
  await writeFile(join(data, shard, `${id}-tmp-1`), 'x')
  await writeFile(join(data, shard, '.hidden'), 'x')
  await writeFile(join(data, other, id), 'in another folder than its own')
  await writeFile(join(data, sha256(Buffer.from('flat'))), 'restic does not look here')
  await mkdir(join(data, shard, `${shard}${'0'.repeat(62)}`))
  await mkdir(join(data, '.lockkeeper', 'staging'), { recursive: true })
  await symlink(join(data, shard, id), join(data, shard, `${shard}${'1'.repeat(62)}`))
  const entries = (await store.list(r, 'data')) ?? []
  t.deepEqual(
    entries.map((entry) => entry.id),
    [id],
  )
  t.is(await store.stat(r, nameOf('data', Buffer.from('flat'))), undefined)
  const pipe = nameOf('locks', Buffer.from('pipe'))
  execFileSync('mkfifo', [join(root, 'r', pipe)])
  await t.throwsAsync(() => store.open(r, pipe), notAllowed)
  await t.throwsAsync(() => store.stat(r, pipe), notAllowed)
  t.deepEqual(await store.list(r, 'locks'), [])
})

test('many packs are listed as few are, strange files left out', async (t) => {
  const { root, store } = await opened(t)
  const wanted = new Map<string, number>()
  for (let number = 0; number < 5000; number += 1) {
    const name = sha256(Buffer.from(String(number)))
    wanted.set(name, number % 7)
    const folder = join(root, 'r/data', name.slice(0, 2))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), 'x'.repeat(number % 7))
    if (number % 500 > 0) continue
    await writeFile(join(folder, `${name}-tmp-1`), 'x')
    await mkdir(join(root, 'r/data/00'), { recursive: true })
    await writeFile(join(root, 'r/data/00', name.replace(/^../, 'ff')), 'x')
    await symlink(join(folder, name), join(folder, name.replace(/..$/, '__')))
    await mkdir(join(folder, `${name.slice(0, 2)}${String(number).padStart(62, '0')}`))
  }
  const check = async (): Promise<void> => {
    const entries = (await store.list(r, 'data')) ?? []
    t.is(entries.length, wanted.size)
    t.true(entries.every(({ id: name, size }) => wanted.get(name) === size))
    t.true(entries.every(({ modifiedMs = 0 }) => Math.abs(Date.now() - modifiedMs) < 600_000))
  }
  await Promise.all([check(), check()])
  const some = (await store.list(r, 'data', '7f')) ?? []
  t.is(some.length, [...wanted.keys()].filter((name) => name.startsWith('7f')).length)
})

test('repositories are found to rest-server’s depth, and nothing else is walked', async (t) => {
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  for (const path of [
    'a',
    'a/b',
    'c/d',
    'c/d/too-deep',
    '.trash/e',
    'lost+found/f',
    'a/data/g',
  ]) {
    await mkdir(join(root, path, 'snapshots'), { recursive: true })
  }
  await mkdir(join(root, 'empty'))
  await writeFile(join(root, 'file'), '')
  await symlink(join(root, 'a'), join(root, 'link'))
  t.deepEqual((await store.repositories()).sort(), ['a', 'a/b', 'c/d'])
  await writeFile(join(root, 'config'), 'x')
  t.deepEqual((await store.repositories()).sort(), ['', 'a', 'a/b', 'c/d'])
})

test('no link below the root is followed: not for a repository, a folder or an object', async (t) => {
  const outside = await temporaryFolder(t)
  const { root, store } = await opened(t)
  const secret = join(outside, id)
  await writeFile(secret, 'secret')
  const lock = nameOf('locks', bytes)
  await symlink(secret, join(root, 'r', lock))
  await t.throwsAsync(() => store.open(r, lock), linked)
  await t.throwsAsync(() => store.digest(r, lock), linked)
  await t.throwsAsync(() => store.stat(r, lock), linked)
  t.deepEqual(await store.list(r, 'locks'), [])
  const places: readonly (readonly [string, string])[] = [
    ['linked', outside],
    ['inside', join(root, 'r')],
  ]
  for (const [name, target] of places) {
    await symlink(target, join(root, name))
    for (const there of [repositoryNamed(name), repositoryNamed(name, 'below')]) {
      const acts = {
        create: () => store.create(there),
        stage: () => store.stage(there, 's', bodyOf(bytes)),
        publish: () => store.publish(there, staging('s'), pack),
      }
      for (const [act, run] of Object.entries(acts)) {
        await t.throwsAsync(run, linked, `${act} ${there}`)
      }
    }
    await t.throwsAsync(() => store.exists(repositoryNamed(name)), linked)
    await t.throwsAsync(() => store.list(repositoryNamed(name), 'data'), linked)
  }
  await rename(join(root, 'r/index'), join(outside, 'index'))
  await symlink(join(outside, 'index'), join(root, 'r/index'))
  await t.throwsAsync(() => store.list(r, 'index'), linked)
  await t.throwsAsync(() => store.remove(r, nameOf('index', bytes)), linked)
  await t.throwsAsync(() => put(store, r, nameOf('index', bytes), bytes), linked)
  t.deepEqual((await readdir(outside)).sort(), [id, 'index'].sort())
  t.deepEqual(await readdir(join(outside, 'index')), [])
  t.deepEqual(await store.repositories(), [r])
})

test('the root itself may be a link, and its state may be elsewhere', async (t) => {
  const real = await temporaryFolder(t)
  const beside = await temporaryFolder(t)
  await symlink(real, join(beside, 'root'))
  const stateFolder = join(beside, 'state')
  const store = await openLocalStore({ root: join(beside, 'root'), stateFolder })
  await store.create(r)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  t.deepEqual((await readdir(stateFolder)).sort(), ['quarantine', 'staging'])
  t.deepEqual(await readdir(real), ['r'])
  t.is(await store.publish(r, staging('s'), pack), 'published')
  t.deepEqual(await store.held(r, 'staging'), [])
})

test('a root that is missing is told at once, and held names cannot leave their folder', async (t) => {
  const { root, store } = await opened(t)
  const missing = openLocalStore({ root: join(root, 'none') })
  await t.throwsAsync(() => missing, { instanceOf: BackendError, code: 'not-found' })
  for (const name of ['../x', 'a/b', 'A', '', '.']) {
    await t.throwsAsync(() => store.stage(r, name, bodyOf(bytes)), notAllowed, name)
  }
})
