/** The state folder: one process at a time has it, and a journal that is damaged or lost never begins anew unasked. */
import test, { type ExecutionContext } from 'ava'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyHead } from '../../fencing/journal/chain.js'
import { mountNameIn, networkFileSystem } from '../../gateway/program/state/file-system.js'
import { StateHeldError } from '../../gateway/program/state/gateway-lock.js'
import { stateFolderOf } from '../../gateway/program/state/places.js'
import { openState, type State } from '../../gateway/program/state/state.js'
import { smallDisk, smallDisksAreHere } from '../backends/small-disk.js'
import { laptop, refusedWith } from '../conformance/journal-store.js'
import { batchOf, recordsAfter } from '../conformance/records.js'

const stateChild = fileURLToPath(new URL('./state-child.js', import.meta.url))

async function newFolder(t: ExecutionContext): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-state-')))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  return stateFolderOf(root)
}

async function held(t: ExecutionContext, folder: string, command = 'serve'): Promise<State> {
  const state = await openState({ folder, command })
  t.teardown(() => state.close())
  return state
}

async function heldByChild(t: ExecutionContext, folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [stateChild, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** A state whose journal has one record, closed again. */
async function usedFolder(t: ExecutionContext): Promise<string> {
  const folder = await newFolder(t)
  const state = await openState({ folder, command: 'serve' })
  const { journal } = await state.openJournal()
  await journal.append(batchOf(laptop, recordsAfter(emptyHead, 'one')))
  await journal.close()
  await state.close()
  return folder
}

/** Every call of the journal fails with the fault, which says how to recover; the state is held all the same. */
async function isRefused(
  t: ExecutionContext,
  folder: string,
  code: 'corrupt' | 'newer-state',
): Promise<void> {
  const state = await openState({ folder, command: 'serve' })
  const { journal, fault } = await state.openJournal()
  t.is(fault?.code, code, fault?.message)
  await refusedWith(t, code, journal.repositories())
  await refusedWith(t, code, journal.head(laptop))
  await refusedWith(t, code, journal.read(laptop, 0, 1))
  await refusedWith(t, code, journal.append(batchOf(laptop, recordsAfter(emptyHead, 'x'))))
  await refusedWith(t, code, journal.settle(laptop, [1]))
  await journal.close()
  await state.close()
}

test('the folder is made for its owner only, and a looser one is tightened', async (t) => {
  const folder = await newFolder(t)
  const state = await openState({ folder, command: 'serve' })
  t.is((await stat(folder)).mode & 0o777, 0o700)
  await state.close()
  await chmod(folder, 0o755)
  await held(t, folder)
  t.is((await stat(folder)).mode & 0o777, 0o700)
})

test('the folder above is not made', async (t) => {
  const folder = join(await newFolder(t), 'state')
  await refusedWith(t, 'not-found', openState({ folder, command: 'serve' }))
})

test('a second holder is refused and told who has the state', async (t) => {
  const folder = await newFolder(t)
  const state = await held(t, folder, 'serve')
  await state.announce(['127.0.0.1:8000', '[::1]:8000'])
  const error = await refusedWith(t, 'locked', openState({ folder, command: 'status' }))
  t.true(error instanceof StateHeldError && error.holder?.pid === process.pid)
  t.regex(error.message, /"lockkeeper serve", process \d+ on .+ since .+ 127\.0\.0\.1:8000, /)
  await refusedWith(t, 'locked', openState({ folder, command: 'status' }))
  await state.close()
  await held(t, folder, 'status')
})

test('a folder that is served cannot be served with another state, nor where a state is in it', async (t) => {
  const usual = await newFolder(t)
  const root = dirname(usual)
  const other = (): Promise<string> => newFolder(t)
  const command = 'serve'
  const first = await openState({ folder: await other(), root, command })
  await first.announce(['127.0.0.1:8000'])
  for (const folder of [await other(), usual]) {
    const error = await t.throwsAsync(openState({ folder, root, command }), {
      instanceOf: StateHeldError,
    })
    t.regex(error.message, /in use by "lockkeeper serve", .*, listening on 127\.0\.0\.1:8000/)
  }
  await first.close()
  const inIt = await openState({ folder: usual, root, command })
  const folder = await other()
  await t.throwsAsync(openState({ folder, root, command }), { instanceOf: StateHeldError })
  await inIt.close()
  const last = await openState({ folder, root, command })
  t.teardown(() => last.close())
})

test('of many that come at once, one has the state', async (t) => {
  const folder = await newFolder(t)
  const tries = Array.from({ length: 20 }, () => openState({ folder, command: 'serve' }))
  const results = await Promise.allSettled(tries)
  const states = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  for (const state of states) await state.close()
  t.is(states.length, 1)
})

test('a process that is killed or stopped: the first frees the state, the second does not', async (t) => {
  const folder = await newFolder(t)
  const child = await heldByChild(t, folder)
  child.kill('SIGSTOP')
  const error = await refusedWith(t, 'locked', openState({ folder, command: 'serve' }))
  t.true(error instanceof StateHeldError && error.holder?.pid === child.pid)
  t.regex(error.message, /127\.0\.0\.1:8000/)
  await writeFile(join(folder, 'admin.sock'), 'left behind')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await held(t, folder)
  const names = await readdir(folder)
  t.false(names.includes('admin.sock'), 'what the killed one left is cleared away')
  const note = JSON.parse(await readFile(join(folder, 'gateway.json'), 'utf8')) as {
    pid: number
  }
  t.is(note.pid, process.pid)
})

test('a note of another version does not keep anybody from being refused in words', async (t) => {
  const folder = await newFolder(t)
  await held(t, folder)
  await writeFile(join(folder, 'gateway.json'), '{"pid":"?"')
  const error = await refusedWith(t, 'locked', openState({ folder, command: 'serve' }))
  t.regex(error.message, /in use by another process/)
})

test('a journal is there again after a restart', async (t) => {
  const folder = await usedFolder(t)
  const state = await held(t, folder)
  const { journal, fault } = await state.openJournal()
  t.teardown(() => journal.close())
  t.is(fault, undefined)
  t.is((await journal.head(laptop)).position, 1)
})

test('with a damaged journal the state opens, and every call of the journal is refused', async (t) => {
  const folder = await usedFolder(t)
  await writeFile(join(folder, 'journal.sqlite'), 'garbage'.repeat(1_000))
  await isRefused(t, folder, 'corrupt')
  await isRefused(t, folder, 'corrupt')
})

test('a journal that is gone does not begin anew, with or without a quarantine', async (t) => {
  const folder = await usedFolder(t)
  await rm(join(folder, 'journal.sqlite'))
  await isRefused(t, folder, 'corrupt')
  await mkdir(join(folder, 'quarantine'))
  await writeFile(join(folder, 'quarantine', 'item'), 'bytes')
  await isRefused(t, folder, 'corrupt')
})

test('a journal that was moved out of the way as told begins anew; the quarantine stays', async (t) => {
  const folder = await usedFolder(t)
  await mkdir(join(folder, 'quarantine'))
  await writeFile(join(folder, 'quarantine', 'item'), 'bytes')
  await writeFile(join(folder, 'journal.sqlite'), 'garbage'.repeat(1_000))
  const aside = `${folder}.aside`
  await mkdir(aside)
  for (const name of await readdir(folder)) {
    if (name.startsWith('journal.')) await rename(join(folder, name), join(aside, name))
  }
  const state = await held(t, folder)
  const { journal, fault } = await state.openJournal()
  t.teardown(() => journal.close())
  t.is(fault, undefined)
  t.deepEqual(await journal.head(laptop), emptyHead)
  t.deepEqual(await readdir(join(folder, 'quarantine')), ['item'])
})

test('network file systems are known by their number, and what is behind FUSE by its name', (t) => {
  t.is(networkFileSystem(0x6969), 'nfs')
  t.is(networkFileSystem(0xff534d42), 'cifs')
  t.is(networkFileSystem(0x01021997), '9p')
  t.is(networkFileSystem(0x65735546, 'fuse.sshfs'), 'fuse.sshfs')
  t.is(networkFileSystem(0x65735546), 'fuse', 'in doubt refused')
  t.is(networkFileSystem(0x65735546, 'fuseblk'), undefined)
  for (const local of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1]) {
    t.is(networkFileSystem(local), undefined, local.toString(16))
  }
})

test('the name of a mount is found by its device', (t) => {
  const mounts = [
    '22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw',
    '90 22 0:53 / /mnt/far rw,nosuid shared:9 master:2 - fuse.sshfs me@far:/ rw,user_id=0',
  ].join('\n')
  t.is(mountNameIn(mounts, 53), 'fuse.sshfs')
  t.is(mountNameIn(mounts, 254 * 256 + 1), 'ext4')
  t.is(mountNameIn(mounts, 54), undefined)
})

const withSmallDisk = smallDisksAreHere ? test.serial : test.serial.skip

withSmallDisk(
  'on a read-only volume the state is had by nobody, and its journal refuses',
  async (t) => {
    const root = await smallDisk(t, { bytes: 64 * 1024, isReadOnly: true })
    const state = await openState({ folder: stateFolderOf(root), command: 'serve' })
    t.true(state.isReadOnly)
    const { journal, fault } = await state.openJournal()
    t.is(fault?.code, 'not-allowed')
    t.regex(fault?.message ?? '', /read-only volume \(EROFS\).*mount it writable/)
    await t.throwsAsync(journal.repositories(), { code: 'not-allowed' })
    await state.close()
  },
)

withSmallDisk('a state is had on a full disk, and its journal opened', async (t) => {
  const root = await smallDisk(t, { bytes: 256 * 1024 })
  const folder = stateFolderOf(root)
  const before = await openState({ folder, command: 'serve' })
  await (await before.openJournal()).journal.close()
  await before.close()
  for (const bytes of [4096, 1]) {
    for (let isFull = false; !isFull;) {
      const ballast = writeFile(join(root, 'ballast'), Buffer.alloc(bytes), { flag: 'a' })
      isFull = await ballast.then(
        () => false,
        () => true,
      )
    }
  }
  const state = await held(t, folder)
  await state.announce(['127.0.0.1:8000'])
  const { journal, fault } = await state.openJournal()
  t.teardown(() => journal.close())
  t.is(fault, undefined)
  t.deepEqual(await journal.repositories(), [])
})
