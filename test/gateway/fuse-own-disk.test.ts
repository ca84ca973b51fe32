/** A mount and a gateway on one disk: bytes go past the gateway, decisions through it. With a gate, and without a kernel. */
import test, { type ExecutionContext } from 'ava'
import { createHash, randomBytes } from 'node:crypto'
import { lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf } from '../../backends/local/disk.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import { withQuota } from '../../backends/quota-store.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { ObjectStore } from '../../fencing/ports.js'
import { gatewayAt } from '../../gateway/fuse/gateway-address.js'
import { Opening } from '../../gateway/fuse/opening.js'
import { whereItWorks } from '../../gateway/fuse/own-disk.js'
import { openOwn, OwnFile } from '../../gateway/fuse/own-file.js'
import { StagedFile } from '../../gateway/fuse/staged-file.js'
import { put } from '../conformance/object-store.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { openDoor, type Door } from './door.js'

const repository = 'repo' as RepositoryId
const MIB = 2 ** 20
const patienceMs = 10_000

const packOf = (bytes: Buffer): ObjectName =>
  `data/${createHash('sha256').update(bytes).digest('hex')}` as ObjectName

interface Setting {
  readonly root: string
  readonly store: ObjectStore
  readonly door: Door
  readonly opening: Opening
  readonly staged: () => Promise<string[]>
  /** Where an object is to lie. */
  readonly pathOf: (object: ObjectName) => string
}

async function onOneDisk(
  t: ExecutionContext,
  wrap = (store: ObjectStore): ObjectStore => store,
): Promise<Setting> {
  const root = await temporaryFolder(t)
  const store = wrap(await openLocalStore({ root }))
  await store.create(repository)
  const socket = join(root, 'socket')
  const ownDisk = { path: root, identity: identityOf(await lstat(root)) }
  const door = await openDoor({ store, listener: { ownDisk }, where: { path: socket } })
  const address = await whereItWorks(gatewayAt(socket, undefined))
  t.true(address.isOnOwnDisk)
  const onRefused = (sentence: string): void => t.log(sentence)
  const opening = new Opening({ address, repository, tag: 'boot.1.2', onRefused })
  t.teardown(async () => {
    opening.close()
    await door.close(0)
  })
  const staged = () => readdir(join(root, '.lockkeeper/staging')).catch(() => [])
  const pathOf = (object: ObjectName): string => {
    const [type = '', digest = ''] = object.split('/')
    return join(root, 'repo', type, digest.slice(0, 2), digest)
  }
  return { root, store, door, opening, staged, pathOf }
}

/** As the kernel does it: in pieces, in memory that is given to the next call at once. */
async function writeAll(file: StagedFile, bytes: Buffer, pieceBytes = 100_000): Promise<void> {
  const memory = Buffer.alloc(pieceBytes)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const lent = memory.subarray(0, bytes.copy(memory, 0, at, at + pieceBytes))
    const taken = file.write(lent, at)
    memory.fill(0)
    await taken
  }
}

async function until(
  t: ExecutionContext,
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      t.fail(what)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a pack is written where the gateway says, and only its rename makes it an object', async (t) => {
  const { opening, staged, pathOf } = await onOneDisk(t)
  for (const size of [9 * MIB, 3 * 512 * 1024, 256 * 1024 + 1]) {
    const bytes = randomBytes(size)
    const pack = packOf(bytes)
    const file = new StagedFile(pack, opening)
    await writeAll(file, bytes)
    await file.sync()
    const [name = ''] = await staged()
    t.not(name, '', 'it lies in staging')
    t.is(await opening.size(pack), undefined)
    await file.commit()
    t.true((await readFile(pathOf(pack))).equals(bytes))
    t.deepEqual(await staged(), [])
  }
})

test('many packs at once are each what was written', async (t) => {
  const { opening, staged, pathOf } = await onOneDisk(t)
  const packs = Array.from({ length: 12 }, (_, at) => randomBytes(MIB + at * 70_001))
  await Promise.all(
    packs.map(async (bytes) => {
      const file = new StagedFile(packOf(bytes), opening)
      await writeAll(file, bytes)
      await file.commit()
    }),
  )
  for (const bytes of packs) t.true((await readFile(pathOf(packOf(bytes)))).equals(bytes))
  t.deepEqual(await staged(), [])
})

test('a file that is dropped, and one whose name is not its hash, leave nothing', async (t) => {
  const { opening, staged, store } = await onOneDisk(t)
  const bytes = randomBytes(2 * MIB)
  const dropped = new StagedFile(packOf(bytes), opening)
  await writeAll(dropped, bytes)
  await dropped.sync()
  t.is((await staged()).length, 1)
  dropped.discard()
  await until(t, 'it stayed in staging', async () => (await staged()).length === 0)

  const wrong = new StagedFile(packOf(Buffer.from('other')), opening)
  await writeAll(wrong, bytes)
  await t.throwsAsync(wrong.commit(), { code: 'EIO' })
  t.deepEqual(await staged(), [])
  t.deepEqual(await store.list(repository, 'data'), [])
})

test('a line that breaks leaves nothing in staging', async (t) => {
  const { door, opening, staged } = await onOneDisk(t)
  const bytes = randomBytes(2 * MIB)
  const file = new StagedFile(packOf(bytes), opening)
  await writeAll(file, bytes)
  await file.sync()
  await door.close(0)
  await until(t, 'it stayed in staging', async () => (await staged()).length === 0)
  await t.throwsAsync(file.commit())
})

test('a store that is full says so while it is written to', async (t) => {
  const bounded: { quota?: ReturnType<typeof withQuota> } = {}
  const { opening, staged } = await onOneDisk(t, (store) => {
    bounded.quota = withQuota({ store, bytesMax: 3 * MIB })
    return bounded.quota.store
  })
  await bounded.quota?.count(new AbortController().signal, () => undefined)
  const bytes = randomBytes(20 * MIB)
  const large = new StagedFile(packOf(bytes), opening)
  const writing = async (): Promise<void> => {
    await writeAll(large, bytes)
    await large.commit()
  }
  await t.throwsAsync(writing(), { code: 'ENOSPC' })
  t.deepEqual(await staged(), [])
  const fits = randomBytes(2 * MIB)
  const file = new StagedFile(packOf(fits), opening)
  await writeAll(file, fits)
  await t.notThrowsAsync(file.commit(), 'what was refused does not count')
})

test('who is refused before there is a place hears it, and does not wait', async (t) => {
  const { root, opening } = await onOneDisk(t)
  await rm(join(root, 'repo'), { recursive: true })
  const bytes = randomBytes(6 * MIB)
  const file = new StagedFile(packOf(bytes), opening)
  const writing = async (): Promise<void> => {
    await writeAll(file, bytes)
    await file.commit()
  }
  await t.throwsAsync(writing(), { code: 'EACCES' })
})

test('an object is read from its file, to its end', async (t) => {
  const { store, opening, door } = await onOneDisk(t)
  const bytes = randomBytes(5 * MIB + 17)
  await put(store, repository, packOf(bytes), bytes)
  const before = door.log.length
  const opened = await opening.open(packOf(bytes))
  t.true(opened instanceof OwnFile)
  const places = [4_000_000, 0, 3_999_000, 131_072, 5 * MIB, 1]
  await Promise.all(
    places.map(async (at) => {
      const found = await opened.read(at, 100_000)
      t.true(Buffer.from(found).equals(bytes.subarray(at, at + 100_000)), `at ${at}`)
    }),
  )
  t.is((await opened.read(bytes.length + 5, 10)).length, 0)
  const last = opened.read(0, 100_000)
  opened.close()
  t.true(Buffer.from(await last).equals(bytes.subarray(0, 100_000)), 'it is closed afterwards')
  await t.throwsAsync(opened.read(0, 1), { code: 'EBADF' })
  t.is(door.log.length, before + 1, 'the gateway was asked once')
  await t.throwsAsync(opening.open(packOf(Buffer.from('absent'))), { code: 'ENOENT' })
})

test('what is not the file that was meant is neither read nor written', async (t) => {
  const root = await temporaryFolder(t)
  const path = join(root, 'file')
  await writeFile(path, 'mine')
  const identity = identityOf(await lstat(path))
  const moved = join(root, 'other')
  await writeFile(moved, 'somebody else’s')
  await t.throwsAsync(openOwn({ path: moved, identity }, 'write'), { message: /not the file/ })
  const link = join(root, 'link')
  await symlink(path, link)
  await t.throwsAsync(openOwn({ path: link, identity }, 'read'), { code: 'ELOOP' })
})

test('only who shares the disk is told of places', async (t) => {
  const { store } = await onOneDisk(t)
  const bytes = Buffer.from('the bytes of a pack')
  await put(store, repository, packOf(bytes), bytes)
  const door = await openDoor({ store })
  t.teardown(() => door.close(0))
  const headers = { 'lockkeeper-place': 'wanted' }
  const url = (object: ObjectName): string => `${door.url}repo/${object}`
  const read = await fetch(url(packOf(bytes)), { headers })
  t.is(read.status, 200)
  t.is(read.headers.get('lockkeeper-place'), null)
  t.is(await read.text(), bytes.toString())
  const word = `12\n${'ab'.repeat(32)}`
  const sent = await fetch(url(`data/${'ab'.repeat(32)}` as ObjectName), {
    ...{ method: 'POST', headers, body: word },
  })
  t.is(sent.status, 400, 'they are bytes like any others')
  const listed = await fetch(`${door.url}-/repositories`, { headers })
  t.is(listed.headers.get('lockkeeper-place'), null)
})
