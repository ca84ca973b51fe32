/** Records are found by repository, client, kind and time, page by page, however the search began. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import { parsePlace, formatPlace } from '../../backends/record-search/question.js'
import { RecordSearch, type RecordPage } from '../../backends/record-search/record-search.js'
import { chainHash } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import type { JournalStore } from '../../fencing/ports.js'
import { temporaryFolder } from './temporary-folder.js'

const laptop = 'laptop' as RepositoryId
const server = 'server' as RepositoryId

interface Told {
  readonly kind: string
  readonly [key: string]: unknown
}

const append = async (
  journal: JournalStore,
  repository: RepositoryId,
  time: number,
  ...events: readonly Told[]
): Promise<void> => {
  let head = await journal.head(repository)
  const records = events.map((event) => {
    const body = JSON.stringify(event)
    const position = head.position + 1
    const hash = chainHash(head.hash, { position, time, body })
    head = { position, hash }
    return { position, time, body, hash }
  })
  await journal.append({ repository, records, unsettled: [] })
}

const opened = (writer: string, user: string): Told => {
  return { kind: 'opened', writer, client: { user, address: '10.0.0.1' }, view: 0 }
}
const committed = (writer: string): Told => {
  return { kind: 'committed', author: { kind: 'writer', writer } }
}
const refused = (writer: string, user: string): Told => {
  return {
    kind: 'refused',
    author: { kind: 'writer', writer },
    client: { user, address: '10.0.0.1' },
  }
}

const filled = async (): Promise<JournalStore> => {
  const journal = memoryJournal()
  await append(journal, laptop, 1_000, opened('w-1', 'ann'), committed('w-1'))
  await append(journal, server, 2_000, opened('w-2', 'bob'), committed('w-2'))
  await append(journal, laptop, 3_000, refused('w-1', 'ann'))
  await append(journal, server, 4_000, committed('w-2'), refused('w-2', 'bob'))
  return journal
}

const searchOver = async (
  t: ExecutionContext,
  journal: JournalStore,
  file?: string,
): Promise<RecordSearch> => {
  const place = file ?? join(await temporaryFolder(t), 'search.sqlite')
  const search = new RecordSearch({ file: place, journal })
  t.teardown(() => search.close())
  return search
}

const told = ({ records }: RecordPage): string[] =>
  records.map(({ repository, record }) => `${repository} ${record.position}`)

const all = { direction: 'backwards', limit: 100 } as const

test('over all journals the newest record is the first, by time', async (t) => {
  const search = await searchOver(t, await filled())
  const page = await search.find(all)
  t.deepEqual(told(page), [
    ...['server 4', 'server 3', 'laptop 3'],
    ...['server 2', 'server 1', 'laptop 2', 'laptop 1'],
  ])
  t.false(page.isMore)
  const forwards = await search.find({ ...all, direction: 'forwards' })
  t.deepEqual(told(forwards), told(page).reverse())
})

test('a client has what its writers did, though those records do not name it', async (t) => {
  const search = await searchOver(t, await filled())
  t.deepEqual(told(await search.find({ ...all, client: 'bob' })), [
    ...['server 4', 'server 3', 'server 2', 'server 1'],
  ])
  const inLaptop = { ...all, client: 'bob', repository: laptop }
  t.deepEqual(told(await search.find(inLaptop)), [])
  const committedByAnn = { ...all, client: 'ann', kinds: ['committed'], repository: laptop }
  t.deepEqual(told(await search.find(committedByAnn)), ['laptop 2'])
  t.deepEqual(told(await search.find({ ...all, client: 'nobody' })), [])
})

test('kinds and times narrow what is found', async (t) => {
  const search = await searchOver(t, await filled())
  const kinds = ['refused', 'opened', 'never heard of']
  t.deepEqual(told(await search.find({ ...all, kinds })), [
    ...['server 4', 'laptop 3', 'server 1', 'laptop 1'],
  ])
  t.deepEqual(told(await search.find({ ...all, since: 2_000, until: 4_000 })), [
    ...['laptop 3', 'server 2', 'server 1'],
  ])
  const ofOne = { ...all, repository: laptop, until: 3_000 }
  t.deepEqual(told(await search.find(ofOne)), ['laptop 2', 'laptop 1'])
  t.deepEqual(told(await search.find({ ...all, since: 5_000 })), [])
})

test('pages join without a gap and without a repetition, both ways', async (t) => {
  const search = await searchOver(t, await filled())
  for (const direction of ['forwards', 'backwards'] as const) {
    for (const repository of [undefined, server]) {
      const question = { direction, repository, limit: 2 }
      const pages: string[] = []
      let page = await search.find(question)
      for (;;) {
        pages.push(...told(page))
        const last = page.records.at(-1)
        if (!page.isMore || last === undefined) break
        const place = parsePlace(formatPlace(last.place))
        page = await search.find({ ...question, place })
      }
      t.deepEqual(pages, told(await search.find({ ...question, limit: 100 })))
    }
  }
})

test('within one repository a place is the position of its journal', async (t) => {
  const search = await searchOver(t, await filled())
  const question = { repository: laptop, direction: 'forwards', limit: 9 } as const
  t.deepEqual(told(await search.find({ ...question, place: { at: 2 } })), ['laptop 3'])
})

test('what is recorded later is found, after what was found before, though the clock went back', async (t) => {
  const journal = await filled()
  const search = await searchOver(t, journal)
  const before = await search.find({ direction: 'forwards', limit: 100 })
  await append(journal, laptop, 500, committed('w-1'))
  search.noteGrowth(laptop)
  const place = before.records.at(-1)?.place
  const after = await search.find({ direction: 'forwards', limit: 100, place })
  t.deepEqual(told(after), ['laptop 4'])
  t.deepEqual(told(await search.find({ ...all, client: 'ann', limit: 1 })), ['laptop 4'])
  const early = { ...all, until: 1_000 }
  t.deepEqual(told(await search.find(early)), ['laptop 4'], 'by its own time')
})

test('a search goes on where the last one ended', async (t) => {
  const journal = await filled()
  const file = join(await temporaryFolder(t), 'search.sqlite')
  const first = await searchOver(t, journal, file)
  const { records } = await first.find(all)
  await first.close()
  await append(journal, server, 5_000, committed('w-2'))
  const second = await searchOver(t, journal, file)
  const place = records[0]?.place
  const later = await second.find({ direction: 'forwards', limit: 9, place })
  t.deepEqual([told(later), later.isAnew], [['server 5'], false])
  t.deepEqual(told(await second.find({ ...all, client: 'bob', limit: 1 })), ['server 5'])
})

test('a search of another journal begins anew, and says so to whoever goes on', async (t) => {
  const file = join(await temporaryFolder(t), 'search.sqlite')
  const first = await searchOver(t, await filled(), file)
  const { records } = await first.find(all)
  await first.close()
  const other = memoryJournal()
  await append(other, laptop, 9_000, opened('w-9', 'eve'))
  const second = await searchOver(t, other, file)
  const place = records[0]?.place
  const page = await second.find({ direction: 'forwards', limit: 9, place })
  t.deepEqual([told(page), page.isAnew], [['laptop 1'], true])
})

test('of each client the newest snapshots are known, also once they are sealed', async (t) => {
  const journal = await filled()
  const search = await searchOver(t, journal)
  const snapshot = { ...committed('w-1'), object: 'snapshots/00' }
  for (let at = 1; at <= 12; at += 1) await append(journal, laptop, at * 10_000, snapshot)
  await append(journal, laptop, 130_000, { kind: 'sealed', position: 10 })
  const [found, ...others] = await search.snapshots()
  t.like(found, { repository: laptop, client: 'ann' })
  t.deepEqual(
    found?.times,
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((at) => at * 10_000),
  )
  t.deepEqual([others, await search.snapshots(server)], [[], []])
})

test('records that were sealed are not found any more', async (t) => {
  const journal = await filled()
  const search = await searchOver(t, journal)
  await search.find(all)
  await append(journal, laptop, 6_000, { kind: 'sealed', position: 2 })
  search.noteGrowth(laptop)
  t.deepEqual(told(await search.find({ ...all, repository: laptop })), ['laptop 4', 'laptop 3'])
})

test('a place is a number, with the count it belongs to where it is of all', (t) => {
  t.deepEqual(parsePlace('17'), { at: 17 })
  t.deepEqual(parsePlace('0a1b2c3d-17'), { at: 17, count: '0a1b2c3d' })
  for (const text of ['', '-1', '1e3', 'x-1', '0a1b2c3d-', '1234567890123456']) {
    t.is(parsePlace(text), undefined, text)
  }
})
