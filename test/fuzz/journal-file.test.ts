/** Fuzzes the journal's file: whatever becomes of its bytes, it answers what was recorded or says that it is damaged. */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { openSqliteJournal } from '../../backends/sqlite/sqlite-journal.js'
import { emptyHead, follows } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError, type StoredRecord } from '../../fencing/ports.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { batchOf, recordsAfter } from '../conformance/records.js'
import { drawFrom } from './http-input.js'

const repository = 'laptop' as RepositoryId
const seed = Number(process.env.FUZZ_SEED ?? 1)
/** Each input starts a thread. */
const count = Math.ceil(Number(process.env.FUZZ_COUNT ?? 2000) / 100)

/** What the journal in the file answers, as the core believes it: undefined where it says that it is damaged. */
async function believed(file: string): Promise<StoredRecord[] | undefined> {
  try {
    const journal = await openSqliteJournal({ file })
    try {
      const head = await journal.head(repository)
      const records = await journal.read(repository, 0, 1000)
      let last = emptyHead
      for (const record of records) {
        if (!follows(last, record)) return undefined
        last = record
      }
      return last.hash === head.hash ? records : undefined
    } finally {
      await journal.close().catch(() => undefined)
    }
  } catch (error) {
    if (error instanceof BackendError) return undefined
    throw error
  }
}

/** A journal with a few records, closed. */
async function makeJournal(file: string): Promise<StoredRecord[]> {
  const journal = await openSqliteJournal({ file })
  const bodies = Array.from({ length: 60 }, (_, at) => JSON.stringify({ kind: 'looked', at }))
  const records = recordsAfter(emptyHead, ...bodies)
  await journal.append(batchOf(repository, records, [3]))
  await journal.close()
  return records
}

test('a journal whose repository has lost its name is damaged, not empty', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'journal.sqlite')
  await makeJournal(file)
  const bytes = await readFile(file)
  const places: number[] = []
  for (let at = bytes.indexOf(repository); at >= 0; at = bytes.indexOf(repository, at + 1))
    places.push(at)
  t.true(places.length >= 2, 'the name stands in the table and in its index')
  for (const place of places) {
    const damaged = Buffer.from(bytes)
    damaged.write('m', place)
    await writeFile(file, damaged)
    const error = await t.throwsAsync(
      openSqliteJournal({ file }).then((journal) => journal.close()),
      { instanceOf: BackendError },
    )
    t.is(error.code, 'corrupt')
  }
})

const enoughToNotice = 20

test(`a journal lives through ${count} damages from seed ${seed}`, async (t) => {
  t.timeout(5 * 60_000 + 4000 * count)
  const folder = await temporaryFolder(t)
  const whole = join(folder, 'whole.sqlite')
  const records = await makeJournal(whole)
  t.deepEqual(await believed(whole), records)

  const bytes = await readFile(whole)
  let noticed = 0
  for (let at = 0; at < count; at += 1) {
    const draw = drawFrom(seed + at)
    const damaged = Buffer.from(bytes)
    for (let times = 1 + draw(4); times > 0; times -= 1) damaged[draw(bytes.length)] = draw(256)
    const cut = draw(4) === 0 ? draw(bytes.length) : bytes.length
    const file = join(folder, `damaged-${at}.sqlite`)
    await writeFile(file, damaged.subarray(0, cut))
    if (draw(6) === 0) await copyFile(whole, `${file}-wal`)
    const found = await believed(file)
    if (found === undefined) noticed += 1
    else t.deepEqual(found, records, `replay: FUZZ_SEED=${seed + at} FUZZ_COUNT=1 npm run fuzz`)
    for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true })
  }
  t.log(`${noticed} of ${count} were noticed; the others hit bytes that mean nothing`)
  // A few may all have hit such bytes.
  if (count >= enoughToNotice) t.true(noticed > 0)
})
