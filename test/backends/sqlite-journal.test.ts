/** The journal in SQLite keeps the contract of every journal, and what it promises of its file. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFile,
  mkdtemp,
  open,
  readFile,
  realpath,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import SqliteDatabase from 'better-sqlite3'
import { closeDatabase, openDatabase } from '../../backends/sqlite/opening.js'
import { openSqliteJournal } from '../../backends/sqlite/sqlite-journal.js'
import { emptyHead } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError, type JournalStore } from '../../fencing/ports.js'
import { behaviours, conforms, laptop, refusedWith } from '../conformance/journal-store.js'
import { batchOf, recordsAfter } from '../conformance/records.js'
import { smallDisk, smallDisksAreHere } from './small-disk.js'
import { temporaryFolder } from './temporary-folder.js'

/** As SQLite numbers them. */
const fullySynchronous = 2

const appendingChild = fileURLToPath(new URL('./appending-child.js', import.meta.url))

async function newFile(t: ExecutionContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-journal-')))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'journal.sqlite')
}

async function opened(t: ExecutionContext, file: string): Promise<JournalStore> {
  const journal = await openSqliteJournal({ file })
  t.teardown(() => journal.close())
  return journal
}

const bodies = Array.from({ length: 400 }, (_, number) => `${number} `.padEnd(300, 'x'))
const many = recordsAfter(emptyHead, ...bodies)

/** A journal of many pages that was closed. */
async function closedJournal(t: ExecutionContext): Promise<string> {
  const file = await newFile(t)
  const journal = await openSqliteJournal({ file })
  await journal.append(batchOf(laptop, many, [7]))
  await journal.close()
  return file
}

/** Overwrites some bytes in the middle of a file. */
async function damage(file: string, offset: number, bytes: number): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(bytes, 0xa5), 0, bytes, offset)
  await handle.close()
}

async function isRefusedAsDamaged(t: ExecutionContext, file: string): Promise<void> {
  const error = await refusedWith(t, 'corrupt', openSqliteJournal({ file }))
  t.regex(error.message, /journal\.\*/, 'says how to recover')
}

for (const behaviour of Object.keys(behaviours)) {
  test('sqlite', conforms, async (t) => opened(t, await newFile(t)), behaviour)
}

test('each transaction is synced: a log is written ahead, and waited for', async (t) => {
  const file = await newFile(t)
  await (await openSqliteJournal({ file })).close()
  const opened = openDatabase(file)
  t.teardown(() => closeDatabase(opened))
  const { database } = opened
  t.is(database.pragma('journal_mode', { simple: true }), 'wal')
  t.is(database.pragma('synchronous', { simple: true }), fullySynchronous)
})

test('what was appended, settled and counted is there after closing', async (t) => {
  const file = await closedJournal(t)
  const journal = await openSqliteJournal({ file })
  await journal.settle(laptop, [7])
  await journal.noteTries(laptop, { item: 'q-000001', tries: 3, time: 9 })
  const heard = { writer: 'w-00000001', time: 9, silentMs: 7 }
  await journal.noteHeard(laptop, [heard])
  await journal.close()
  const again = await opened(t, file)
  t.deepEqual(await again.heard(laptop), [heard])
  t.deepEqual(await again.read(laptop, 0, 1_000), many)
  t.deepEqual(await again.unsettled(laptop), [])
  t.deepEqual(await again.tries(laptop), [{ item: 'q-000001', tries: 3, time: 9 }])
})

test('its file is for its owner only, and has no log beside it once it is closed', async (t) => {
  const file = await closedJournal(t)
  t.is((await stat(file)).mode & 0o777, 0o600)
  await t.throwsAsync(stat(`${file}-wal`), { code: 'ENOENT' })
})

test('a settle reaches the file soon without any other call', async (t) => {
  const file = await newFile(t)
  const journal = await opened(t, file)
  await journal.append(batchOf(laptop, recordsAfter(emptyHead, 'one'), [1]))
  const before = (await stat(`${file}-wal`)).size
  await journal.settle(laptop, [1])
  const deadline = performance.now() + 10_000
  while ((await stat(`${file}-wal`)).size === before) {
    if (performance.now() > deadline) return t.fail('it never did')
  }
  t.pass()
})

test('while one has the file, another is refused', async (t) => {
  const file = await newFile(t)
  await opened(t, file)
  await refusedWith(t, 'locked', openSqliteJournal({ file }))
})

for (const round of [1, 2, 3]) {
  test(`kill -9 in mid-append loses nothing that resolved and tears no batch (${round})`, async (t) => {
    const file = await newFile(t)
    const child = spawn(process.execPath, [appendingChild, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const told = new Map<string, number>()
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      const [name = '', position = ''] = line.split(' ')
      told.set(name, Number(position))
      lines += 1
      if (lines === 60 * round) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    t.is(child.signalCode, 'SIGKILL')
    const journal = await opened(t, file)
    for (const name of ['a', 'b', 'c'] as RepositoryId[]) {
      const { position } = await journal.head(name)
      t.true(position >= (told.get(name) ?? 1), `${name}: ${position}`)
      t.is(position % 4, 0, 'whole batches')
      const records = await journal.read(name, 0, 100_000)
      const expected = recordsAfter(emptyHead, ...records.map((_, index) => String(index % 4)))
      t.deepEqual(records, expected)
      const open = await journal.unsettled(name)
      t.true(open.every((one) => one % 4 === 1))
      t.true(open.includes(position - 3), 'the newest effect is still open')
    }
  })
}

test('a journal of a newer version is refused, and not touched', async (t) => {
  const file = await closedJournal(t)
  const database = new SqliteDatabase(file)
  database.pragma('user_version = 999')
  database.close()
  const before = await readFile(file)
  const error = await refusedWith(t, 'newer-state', openSqliteJournal({ file }))
  t.regex(error.message, /version 999.*newer Lockkeeper/)
  t.deepEqual(await readFile(file), before)
})

test('a file that is no journal is refused', async (t) => {
  const file = await newFile(t)
  await writeFile(
    file,
    'a letter to a friend, long enough to be taken for a header\n'.repeat(99),
  )
  await isRefusedAsDamaged(t, file)
  await rm(file)
  const foreign = new SqliteDatabase(file)
  foreign.exec('CREATE TABLE cats (name TEXT)')
  foreign.close()
  await isRefusedAsDamaged(t, file)
})

test('an empty file is not taken for a new journal', async (t) => {
  const file = await closedJournal(t)
  await truncate(file, 0)
  await isRefusedAsDamaged(t, file)
})

test('a truncated file is refused, wherever it ends', async (t) => {
  const file = await closedJournal(t)
  const whole = `${file}.whole`
  await copyFile(file, whole)
  const { size } = await stat(file)
  for (const length of [60, 3_000, 4_096, 40_960, size - 4_096, size - 1]) {
    await copyFile(whole, file)
    await truncate(file, length)
    await isRefusedAsDamaged(t, file)
  }
})

test('a file with garbage in its middle is refused', async (t) => {
  const file = await closedJournal(t)
  const whole = `${file}.whole`
  await copyFile(file, whole)
  const pages = (await stat(file)).size / 4_096
  for (let page = 0; page < pages; page += 5) {
    await copyFile(whole, file)
    await damage(file, page * 4_096, 4_096)
    await isRefusedAsDamaged(t, file)
  }
})

test('records that are missing at the end or in between are missed', async (t) => {
  const file = await closedJournal(t)
  const whole = `${file}.whole`
  await copyFile(file, whole)
  for (const [from, to] of [
    [400, 400],
    [200, 210],
    [1, 1],
  ]) {
    await copyFile(whole, file)
    const database = new SqliteDatabase(file)
    const gone = database.prepare('DELETE FROM record WHERE id % 4294967296 BETWEEN ? AND ?')
    t.true(gone.run(from, to).changes > 0)
    database.close()
    const journal = await openSqliteJournal({ file })
    await refusedWith(t, 'corrupt', journal.read(laptop, 0, 1_000))
    const next = recordsAfter(await headOrEmpty(journal), 'next')
    await refusedWith(t, 'corrupt', journal.append(batchOf(laptop, next)))
    await journal.close()
  }
})

/** What has been found damaged answers nothing any more, not even this. */
async function headOrEmpty(journal: JournalStore): Promise<typeof emptyHead> {
  return journal.head(laptop).catch((error: unknown) => {
    if (error instanceof BackendError && error.code === 'corrupt') return emptyHead
    throw error
  })
}

test('a log that is gone or emptied after a crash is missed', async (t) => {
  const file = await newFile(t)
  const journal = await opened(t, file)
  await journal.append(batchOf(laptop, many))
  const crashed = `${file}.crashed`
  // What a power cut leaves: the process is not asked to close anything.
  await copyFile(file, crashed)
  await refusedWith(t, 'corrupt', openSqliteJournal({ file: crashed }))
  await writeFile(`${crashed}-wal`, '')
  await refusedWith(t, 'corrupt', openSqliteJournal({ file: crashed }))
  await copyFile(file, crashed)
  await copyFile(`${file}-wal`, `${crashed}-wal`)
  const recovered = await opened(t, crashed)
  t.deepEqual(await recovered.read(laptop, 0, 1_000), many)
})

/** In use: as a power cut leaves it, with what one of its files is to be afterwards. */
async function crashedCopy(t: ExecutionContext, file: string): Promise<string> {
  const crashed = join(await temporaryFolder(t), 'journal.sqlite')
  for (const end of ['', '-wal', '-newest']) await copyFile(`${file}${end}`, `${crashed}${end}`)
  return crashed
}

test('a log that is cut off is missed: it ends before the newest record', async (t) => {
  const file = await newFile(t)
  const journal = await opened(t, file)
  for (const half of [many.slice(0, 200), many.slice(200)])
    await journal.append(batchOf(laptop, half))
  const whole = await opened(t, await crashedCopy(t, file))
  t.deepEqual(await whole.read(laptop, 0, 1_000), many)
  const { size } = await stat(`${file}-wal`)
  for (const left of [0, 1, size / 2, size - 100]) {
    const crashed = await crashedCopy(t, file)
    await truncate(`${crashed}-wal`, left)
    const error = await refusedWith(t, 'corrupt', openSqliteJournal({ file: crashed }))
    t.regex(error.message, /newest records are gone \(\d+ of 400\).*journal\.\*/)
  }
})

test('an older copy of the file is missed, however it was closed', async (t) => {
  const file = await closedJournal(t)
  const older = `${file}.older`
  await copyFile(file, older)
  const journal = await openSqliteJournal({ file })
  await journal.append(batchOf(laptop, recordsAfter(await journal.head(laptop), 'newer')))
  await journal.close()
  await copyFile(older, file)
  const error = await refusedWith(t, 'corrupt', openSqliteJournal({ file }))
  t.regex(error.message, /newest records are gone \(1 of 401\)/)
})

test('a process that ends with the journal open leaves one that is believed', async (t) => {
  const file = await newFile(t)
  const child = spawn(process.execPath, [appendingChild, file, 'exit'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
  t.is(child.exitCode, 0)
  await t.throwsAsync(stat(`${file}-wal`), { code: 'ENOENT' }, 'its log is gone with it')
  const journal = await opened(t, file)
  t.is((await journal.repositories()).length, 3)
})

test('a count that is gone or torn is made anew, and the mark of a clean end is believed', async (t) => {
  const file = await closedJournal(t)
  for (const spoil of [() => rm(`${file}-newest`), () => truncate(`${file}-newest`, 20)]) {
    await spoil()
    const journal = await openSqliteJournal({ file })
    t.deepEqual(await journal.read(laptop, 0, 1_000), many)
    await journal.close()
    t.regex(await readFile(`${file}-newest`, 'latin1'), /^records 400 /)
  }
})

test('a journal of an earlier version that crashed, and whose new owner ends at once, is believed', async (t) => {
  const file = await newFile(t)
  const journal = await opened(t, file)
  await journal.append(batchOf(laptop, many))
  const crashed = await crashedCopy(t, file)
  await rm(`${crashed}-newest`)
  // Opened, and ended without the mark.
  const { database } = openDatabase(crashed)
  database.close()
  await t.throwsAsync(stat(`${crashed}-wal`), { code: 'ENOENT' })
  const again = await opened(t, crashed)
  t.deepEqual(await again.read(laptop, 0, 1_000), many)
})

test('an empty log beside a journal that was closed is no damage', async (t) => {
  const file = await closedJournal(t)
  await writeFile(`${file}-wal`, '')
  const journal = await opened(t, file)
  t.deepEqual(await journal.read(laptop, 0, 1_000), many)
})

test('a journal whose making broke off is made anew', async (t) => {
  const file = await newFile(t)
  await writeFile(`${file}.new`, 'half of')
  const journal = await opened(t, file)
  t.deepEqual(await journal.repositories(), [])
})

test.serial('a thread that dies fails what was asked and what is asked later', async (t) => {
  const file = await newFile(t)
  const started = once(process, 'worker') as Promise<[Worker]>
  const journal = await opened(t, file)
  const [worker] = await started
  const pending = Array.from({ length: 50 }, () => journal.read(laptop, 0, 1))
  const all = Promise.allSettled(pending)
  await worker.terminate()
  for (const result of await all) {
    if (result.status === 'rejected') t.is((result.reason as BackendError).code, 'unavailable')
  }
  await refusedWith(t, 'unavailable', journal.append(batchOf(laptop, many)))
  await refusedWith(t, 'unavailable', journal.settle(laptop, [1]))
  await t.notThrowsAsync(journal.close())
})

const withSmallDisk = smallDisksAreHere ? test.serial : test.serial.skip

withSmallDisk(
  'a full disk fails appends with no-space, and they go on when there is room',
  async (t) => {
    const folder = await smallDisk(t, { bytes: 512 * 1024 })
    const file = join(folder, 'journal.sqlite')
    const journal = await opened(t, file)
    const ballast = join(folder, 'ballast')
    await writeFile(ballast, Buffer.alloc(200 * 1024))
    let head = emptyHead
    let fault: unknown
    for (let step = 0; step < 100 && fault === undefined; step += 1) {
      const records = recordsAfter(head, ...bodies.slice(0, 40))
      try {
        await journal.append(batchOf(laptop, records))
        head = await journal.head(laptop)
      } catch (error) {
        fault = error
      }
    }
    t.true(fault instanceof BackendError && fault.code === 'no-space', String(fault))
    t.deepEqual(await journal.head(laptop), head, 'nothing of the batch is there')
    await rm(ballast)
    await journal.append(batchOf(laptop, recordsAfter(head, 'room again')))
    t.is((await journal.head(laptop)).position, head.position + 1)
  },
)

withSmallDisk('a folder that is read-only is refused as unavailable', async (t) => {
  const folder = await smallDisk(t, { bytes: 512 * 1024, isReadOnly: true })
  await refusedWith(
    t,
    'unavailable',
    openSqliteJournal({ file: join(folder, 'journal.sqlite') }),
  )
})
