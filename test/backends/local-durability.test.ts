/** In which order the local store syncs and renames, and what a failure or a crash leaves. */
import test, { type ExecutionContext } from 'ava'
import { fstatSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { localDisk, type Disk } from '../../backends/local/disk.js'
import { FolderSync } from '../../backends/local/folder-sync.js'
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
import { errno, WatchedDisk } from './watched-disk.js'

interface Watched {
  readonly root: string
  readonly store: ObjectStore
  readonly watch: WatchedDisk
}

const r = repositoryNamed('r')
const bytes = Buffer.from('some bytes')
const lock = nameOf('locks', bytes)
const held = '.lockkeeper'

/** A store whose folders are made and known to be durable. */
async function warm(t: ExecutionContext): Promise<Watched> {
  const root = await temporaryFolder(t)
  const watch = new WatchedDisk(root)
  const store = await openLocalStore({ root, disk: watch.disk })
  await store.create(r)
  await put(store, r, lock, bytes)
  await store.remove(r, lock)
  watch.take()
  return { root, store, watch }
}

test('a commit syncs the bytes and their name, then the new name, and only then drops the old', async (t) => {
  const { store, watch } = await warm(t)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  const staged = watch.take()
  t.is(staged[0], `write ${held}/staging/s`)
  t.deepEqual(staged.slice(1).sort(), [`sync ${held}/staging`, `sync ${held}/staging/s`])
  await store.publish(r, staging('s'), lock)
  t.deepEqual(watch.take(), ['link r/locks/X', 'sync r/locks', `unlink ${held}/staging/s`])
})

test('bytes that another process has written are synced like any others, and counted', async (t) => {
  const { store, watch } = await warm(t)
  const { stageOutside } = store
  if (stageOutside === undefined) throw new Error('the bytes lie in files')
  const digest = lock.slice('locks/'.length)
  const staged = await stageOutside(r, 's', lock, async ({ path }, more) => {
    more(4)
    await writeFile(path, bytes)
    more(bytes.length - 4)
    return digest
  })
  t.deepEqual(staged, { size: bytes.length, sha256: digest })
  t.deepEqual(watch.take().sort(), [`sync ${held}/staging`, `sync ${held}/staging/s`])
  await store.publish(r, staging('s'), lock)
  t.deepEqual(watch.take(), ['link r/locks/X', 'sync r/locks', `unlink ${held}/staging/s`])

  const short = stageOutside(r, 's', lock, async ({ path }, more) => {
    more(bytes.length + 1)
    await writeFile(path, bytes)
    return digest
  })
  await t.throwsAsync(short, { instanceOf: BackendError, code: 'unavailable' })
  const broken = stageOutside(r, 's', lock, async () => {
    throw errno('EPIPE')
  })
  await t.throwsAsync(broken, { code: 'EPIPE' })
  watch.fault = (call) => {
    if (call.startsWith('sync')) throw errno('EIO')
  }
  const unsynced = stageOutside(r, 's', lock, async ({ path }, more) => {
    more(bytes.length)
    await writeFile(path, bytes)
    return digest
  })
  await t.throwsAsync(unsynced, { instanceOf: BackendError })
  watch.fault = () => undefined
  t.deepEqual(await store.held(r, 'staging'), [])
})

test('keeping and releasing sync the new place before, and the old place after the move', async (t) => {
  const { store, watch } = await warm(t)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  watch.take()
  await store.keep(r, 's', 'q')
  t.deepEqual(watch.take(), [
    `link ${held}/quarantine/q`,
    `sync ${held}/quarantine`,
    `unlink ${held}/staging/s`,
    `sync ${held}/staging`,
  ])
  t.false(await store.keep(r, 's', 'q'))
  t.deepEqual(watch.take(), [`sync ${held}/quarantine`], 'a repeated keep is durable, too')
  await store.publish(r, quarantine('q'), lock)
  t.deepEqual(watch.take(), [
    'link r/locks/X',
    'sync r/locks',
    `unlink ${held}/quarantine/q`,
    `sync ${held}/quarantine`,
  ])
})

test('removals are synced, repeated ones and those of held bytes, too', async (t) => {
  const { store, watch } = await warm(t)
  await put(store, r, lock, bytes)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  await store.keep(r, 's', 'q')
  watch.take()
  await store.remove(r, lock)
  t.deepEqual(watch.take(), ['unlink r/locks/X', 'sync r/locks'])
  await store.remove(r, lock)
  t.deepEqual(watch.take(), ['unlink r/locks/X', 'sync r/locks'])
  await store.discard(r, quarantine('q'))
  t.deepEqual(watch.take(), [`unlink ${held}/quarantine/q`, `sync ${held}/quarantine`])
})

test('what an earlier call published or found in its place is made durable once more', async (t) => {
  const { store, watch } = await warm(t)
  await put(store, r, lock, bytes)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  watch.take()
  t.is(await store.publish(r, staging('gone'), lock), 'gone')
  t.deepEqual(watch.take(), ['sync r/locks'])
  t.is(await store.publish(r, staging('s'), lock), 'exists')
  t.deepEqual(watch.take(), ['link r/locks/X', 'sync r/locks'])
})

test('the folders of a repository are durable, also those that an earlier run left unsynced', async (t) => {
  const root = await temporaryFolder(t)
  const watch = new WatchedDisk(root)
  const store = await openLocalStore({ root, disk: watch.disk })
  await store.create(repositoryNamed('a', 'b'))
  const calls = watch.take()
  for (const folder of ['', 'a', 'a/b']) t.true(calls.includes(`sync ${folder}`), folder)
  const later = await openLocalStore({ root, disk: watch.disk })
  const pack = nameOf('data', bytes)
  await put(later, repositoryNamed('a', 'b'), pack, bytes)
  const published = watch.take()
  t.is(published.filter((call) => call.startsWith('make a/b/data/')).length, 256)
  const lastMade = published.findLastIndex((call) => call.startsWith('make a/b/data/'))
  t.is(published[lastMade + 1], 'sync a/b/data')
  t.true(published.findIndex((call) => call.startsWith('link')) > lastMade)
  t.true(published.includes('sync a/b'))
})

test('a crash between the two steps of a move is finished by the next call', async (t) => {
  const { root, store, watch } = await warm(t)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  const crash = (call: string): void => {
    if (call.startsWith('unlink')) throw errno('EIO')
  }
  watch.fault = crash
  await t.throwsAsync(() => store.publish(r, staging('s'), lock), { instanceOf: BackendError })
  watch.fault = () => undefined
  const later = await openLocalStore({ root })
  t.deepEqual(await later.held(r, 'staging'), ['s'])
  t.is(await later.publish(r, staging('s'), lock), 'published')
  t.deepEqual(await later.held(r, 'staging'), [])
  await store.stage(r, 's', bodyOf(bytes))
  watch.fault = crash
  await t.throwsAsync(() => store.keep(r, 's', 'q'), { instanceOf: BackendError })
  watch.fault = () => undefined
  t.true(await later.keep(r, 's', 'q'))
  t.deepEqual(await later.held(r, 'staging'), [])
  t.deepEqual(await later.held(r, 'quarantine'), ['q'])
})

test('a failed write or sync is told, and leaves nothing', async (t) => {
  const { root, store, watch } = await warm(t)
  const codes = {
    ENOSPC: 'no-space',
    EDQUOT: 'no-space',
    EIO: 'unavailable',
    EROFS: 'not-allowed',
  }
  for (const [native, code] of Object.entries(codes)) {
    for (const failing of [
      'write .lock',
      'sync .lockkeeper/staging/',
      'sync .lockkeeper/staging',
    ]) {
      watch.fault = (call) => {
        if (call.startsWith(failing)) throw errno(native)
      }
      const staged = store.stage(r, 's', bodyOf(bytes), undefined, lock)
      const error = await t.throwsAsync(() => staged, { instanceOf: BackendError, code })
      t.is((error.cause as NodeJS.ErrnoException).code, native)
      t.deepEqual(await readdir(join(root, held, 'staging')), [], failing)
    }
  }
  watch.fault = () => undefined
  await put(store, r, lock, bytes)
  t.deepEqual(await readFile(join(root, 'r', lock)), bytes)
})

test('a file is closed only when nothing is written to it any more, whatever ends the body', async (t) => {
  const root = await temporaryFolder(t)
  const order: string[] = []
  let goOn = (): void => undefined
  const written = new Promise<void>((resolve) => (goOn = resolve))
  const disk: Disk = {
    ...localDisk,
    write: async (file, chunks) => {
      await written
      const bytes = await localDisk.write(file, chunks)
      order.push('written')
      return bytes
    },
    close: async (file) => {
      order.push('closed')
      await localDisk.close(file)
    },
  }
  const store = await openLocalStore({ root, disk })
  await store.create(r)
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(2 ** 20)
    // What the store would do meanwhile has its turn first.
    setImmediate(() => setImmediate(goOn))
    throw new Error('the client has gone')
  }
  await t.throwsAsync(() => store.stage(r, 's', body()), { message: 'the client has gone' })
  t.deepEqual(order, ['written', 'closed'])
  t.deepEqual(await readdir(join(root, held, 'staging')), [])
})

test('a failed sync of a move or removal is told, and the call can be repeated', async (t) => {
  const { store, watch } = await warm(t)
  await store.stage(r, 's', bodyOf(bytes), undefined, lock)
  const failing = (): void => {
    watch.fault = (call) => {
      if (call.startsWith('sync')) throw errno('EIO')
    }
  }
  const unavailable = { instanceOf: BackendError, code: 'unavailable' } as const
  failing()
  await t.throwsAsync(() => store.publish(r, staging('s'), lock), unavailable)
  watch.fault = () => undefined
  t.is(await store.publish(r, staging('s'), lock), 'published')
  failing()
  await t.throwsAsync(() => store.remove(r, lock), unavailable)
  await t.throwsAsync(() => store.create(repositoryNamed('new')), unavailable)
  watch.fault = () => undefined
  await t.notThrowsAsync(() => store.remove(r, lock))
})

test('syncs of one folder are shared, but never with one that had begun before', async (t) => {
  const folder = await temporaryFolder(t)
  const ends: (() => void)[] = []
  let begun = 0
  let isAsked = (): void => undefined
  const sync = new FolderSync({
    ...localDisk,
    sync: async () => {
      begun += 1
      await new Promise<void>((resolve) => {
        ends.push(resolve)
        isAsked()
      })
    },
  })
  const next = (): Promise<void> => new Promise((resolve) => (isAsked = resolve))
  const order: string[] = []
  const ask = (name: string): Promise<number> => sync.sync(folder).then(() => order.push(name))
  const started = next()
  const first = ask('first')
  await started
  const others = [ask('second'), ask('third'), ask('fourth')]
  const again = next()
  ends[0]?.()
  await first
  await again
  t.deepEqual(order, ['first'], 'the others wait for a sync of their own')
  const last = ask('last')
  const third = next()
  ends[1]?.()
  await Promise.all(others)
  await third
  ends[2]?.()
  await last
  t.deepEqual(order, ['first', 'second', 'third', 'fourth', 'last'])
  t.is(begun, 3)
})

test('a folder stays open for a moment between two syncs, and one in its place is seen before long', async (t) => {
  const root = await temporaryFolder(t)
  const folder = join(root, 'folder')
  await mkdir(folder)
  let opened = 0
  let synced: number | undefined
  const sync = new FolderSync({
    ...localDisk,
    open: (...asked) => {
      opened += 1
      return localDisk.open(...asked)
    },
    sync: async (descriptor) => {
      synced = fstatSync(descriptor).ino
      await localDisk.sync(descriptor)
    },
  })
  await sync.sync(folder)
  await sync.sync(folder)
  t.is(opened, 1)
  await rename(folder, join(root, 'away'))
  await mkdir(folder)
  const { ino } = await stat(folder)
  const deadline = performance.now() + 10_000
  do await sync.sync(folder)
  while (synced !== ino && performance.now() < deadline)
  t.is(synced, ino)
})
