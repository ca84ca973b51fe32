/** The local store where a repository, or a folder of it, lies on a file system of its own; and full or read-only ones. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../../backends/local/local-store.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import {
  bodyOf,
  nameOf,
  put,
  quarantine,
  repositoryNamed,
  staging,
} from '../conformance/object-store.js'
import { temporaryFolder } from './temporary-folder.js'

const r = repositoryNamed('r')
const bytes = Buffer.from('some bytes')
const pack = nameOf('data', bytes)
const snapshot = nameOf('snapshots', bytes)

const tmpfs = ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs']

async function canMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-mount-'))
  try {
    execFileSync('mount', [...tmpfs, folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Only root may mount; elsewhere these are visible skips. */
const mountTest = (await canMount()) ? test.serial : test.serial.skip

function mount(t: ExecutionContext, folder: string, what: readonly string[] = tmpfs): void {
  execFileSync('mount', [...what, folder])
  t.teardown(() => execFileSync('umount', ['-l', folder]))
}

async function goesRound(t: ExecutionContext, store: ObjectStore): Promise<void> {
  await put(store, r, pack, bytes)
  t.is(await store.stat(r, pack), bytes.length)
  await store.stage(r, 's', bodyOf(bytes), undefined, snapshot)
  t.true(await store.keep(r, 's', 'q'))
  t.deepEqual(await store.held(r, 'quarantine'), ['q'])
  t.is(await store.publish(r, quarantine('q'), snapshot), 'published')
  t.is(await store.stat(r, snapshot), bytes.length)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  t.is(await store.publish(r, staging('s'), pack), 'exists')
  await store.discard(r, staging('s'))
  t.deepEqual(await store.held(r, 'staging'), [])
  t.deepEqual(await store.held(r, 'quarantine'), [])
}

mountTest('a repository on another file system holds its bytes beside it', async (t) => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'r'))
  mount(t, join(root, 'r'))
  const store = await openLocalStore({ root })
  await store.create(r)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  t.is((await readdir(join(root, 'r/.lockkeeper/staging'))).length, 1)
  t.is(await store.publish(r, staging('s'), pack), 'published')
  await store.remove(r, pack)
  await goesRound(t, store)
  t.deepEqual(await store.repositories(), [r])
})

mountTest('a second mount of the same file system counts as another', async (t) => {
  const root = await temporaryFolder(t)
  const elsewhere = await temporaryFolder(t)
  await mkdir(join(root, 'r'))
  mount(t, join(root, 'r'), ['--bind', elsewhere])
  const store = await openLocalStore({ root })
  await store.create(r)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  t.is((await readdir(join(elsewhere, '.lockkeeper/staging'))).length, 1)
  t.is(await store.publish(r, staging('s'), pack), 'published')
  await store.remove(r, pack)
  await goesRound(t, store)
})

mountTest('packs on a file system of their own are received there', async (t) => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'r/data'), { recursive: true })
  mount(t, join(root, 'r/data'))
  const store = await openLocalStore({ root })
  await store.create(r)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  t.is((await readdir(join(root, 'r/data/.lockkeeper/staging'))).length, 1)
  const later = await openLocalStore({ root })
  t.deepEqual(await later.held(r, 'staging'), ['s'], 'found by the next run')
  await later.discard(r, staging('s'))
  await goesRound(t, later)
  t.deepEqual((await store.list(r, 'data'))?.length, 1)
})

mountTest('bytes received before a mount came are carried over to it', async (t) => {
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  await store.create(r)
  await store.stage(r, 's', bodyOf(bytes), undefined, pack)
  mount(t, join(root, 'r/data'))
  t.is(await store.publish(r, staging('s'), pack), 'published')
  t.deepEqual(await store.held(r, 'staging'), [])
  await store.remove(r, pack)
  await store.stage(r, 'no-hint', bodyOf(bytes))
  t.is(await store.publish(r, staging('no-hint'), pack), 'published')
  t.deepEqual(await store.held(r, 'staging'), [])
  t.is(await store.stat(r, pack), bytes.length)
})

mountTest('a full disk is told, and leaves nothing half-written', async (t) => {
  const root = await temporaryFolder(t)
  mount(t, root)
  const store = await openLocalStore({ root })
  await store.create(r)
  const large = async function* (): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < 64; piece += 1) yield Buffer.alloc(65_536, piece)
  }
  const full = { instanceOf: BackendError, code: 'no-space' } as const
  await t.throwsAsync(() => store.stage(r, 's', large(), undefined, pack), full)
  t.deepEqual(await store.held(r, 'staging'), [])
  t.deepEqual(await readdir(join(root, '.lockkeeper/staging')), [])
  await goesRound(t, store)
})

mountTest('a read-only disk is told, and still read', async (t) => {
  const root = await temporaryFolder(t)
  mount(t, root)
  const store = await openLocalStore({ root })
  await store.create(r)
  await put(store, r, pack, bytes)
  execFileSync('mount', ['-o', 'remount,ro', root])
  const readOnly = { instanceOf: BackendError, code: 'not-allowed' } as const
  await t.throwsAsync(() => store.stage(r, 's', bodyOf(bytes), undefined, pack), readOnly)
  await t.throwsAsync(() => store.remove(r, pack), readOnly)
  t.is((await store.list(r, 'data'))?.length, 1)
})
