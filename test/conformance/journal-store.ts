/** What every journal's storage must do: macros over a factory of a fresh, empty one. */
import test, { type ExecutionContext } from 'ava'
import { emptyHead } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError, type BackendErrorCode, type JournalStore } from '../../fencing/ports.js'
import { batchOf, recordsAfter } from './records.js'

export type JournalFactory = (t: ExecutionContext) => Promise<JournalStore>
type Behaviour = (t: ExecutionContext, journal: JournalStore) => Promise<void>

export const laptop = 'backups/laptop' as RepositoryId
const desktop = 'desktop' as RepositoryId
const root = '' as RepositoryId

export async function refusedWith(
  t: ExecutionContext,
  code: BackendErrorCode,
  call: Promise<unknown>,
): Promise<BackendError> {
  const error = await t.throwsAsync(call, { instanceOf: BackendError })
  t.is(error.code, code, error.message)
  return error
}

const three = recordsAfter(emptyHead, 'one', 'two — zwei', '{"three":"\\u0000 \\n"}')

export const behaviours: Readonly<Record<string, Behaviour>> = {
  'an empty journal has no repositories, records, effects or tries': async (t, journal) => {
    t.deepEqual(await journal.repositories(), [])
    t.deepEqual(await journal.head(laptop), emptyHead)
    t.deepEqual(await journal.read(laptop, 0, 10), [])
    t.deepEqual(await journal.unsettled(laptop), [])
    t.deepEqual(await journal.tries(laptop), [])
  },

  'records come back exactly as they were appended': async (t, journal) => {
    await journal.append(batchOf(laptop, three))
    t.deepEqual(await journal.read(laptop, 0, 10), three)
    t.deepEqual(await journal.head(laptop), { position: 3, hash: three[2]?.hash })
  },

  'a body of a megabyte comes back': async (t, journal) => {
    const records = recordsAfter(emptyHead, 'x'.repeat(1_000_000))
    await journal.append(batchOf(laptop, records))
    t.deepEqual(await journal.read(laptop, 0, 1), records)
  },

  'reads begin after a position and end at the limit or the head': async (t, journal) => {
    await journal.append(batchOf(laptop, three))
    t.deepEqual(await journal.read(laptop, 0, 2), three.slice(0, 2))
    t.deepEqual(await journal.read(laptop, 1, 1), three.slice(1, 2))
    t.deepEqual(await journal.read(laptop, 2, 10), three.slice(2))
    t.deepEqual(await journal.read(laptop, 3, 10), [])
    t.deepEqual(await journal.read(laptop, 99, 10), [])
  },

  'repositories know nothing of each other': async (t, journal) => {
    const [first] = recordsAfter(emptyHead, 'root')
    await journal.append(batchOf(laptop, three, [2]))
    await journal.append(batchOf(root, first === undefined ? [] : [first], [1]))
    await journal.noteTries(root, { item: 'q-000001', tries: 2, time: 5 })
    t.deepEqual(await journal.repositories(), [root, laptop])
    t.deepEqual(await journal.read(root, 0, 10), [first])
    t.deepEqual(await journal.unsettled(root), [1])
    await journal.settle(root, [1, 2])
    t.deepEqual(await journal.unsettled(laptop), [2])
    t.deepEqual(await journal.tries(laptop), [])
    t.deepEqual(await journal.read(desktop, 0, 10), [])
  },

  'a batch that does not follow on the head is refused wholly': async (t, journal) => {
    const [one, two, last] = three
    if (one === undefined || two === undefined || last === undefined) throw new Error('three')
    await journal.append(batchOf(laptop, [one]))
    await refusedWith(t, 'conflict', journal.append(batchOf(laptop, [one])))
    await refusedWith(t, 'conflict', journal.append(batchOf(laptop, [last])))
    await refusedWith(t, 'conflict', journal.append(batchOf(laptop, [two, two], [2])))
    await refusedWith(t, 'conflict', journal.append(batchOf(desktop, [two], [2])))
    t.deepEqual(await journal.read(laptop, 0, 10), [one])
    t.deepEqual(await journal.unsettled(laptop), [])
    t.deepEqual(await journal.repositories(), [laptop])
    await journal.append(batchOf(laptop, [two, last], [2, 3]))
    t.deepEqual(await journal.read(laptop, 0, 10), three)
  },

  'a batch that conflicts does not fail those that wait beside it': async (t, journal) => {
    const [one, two, last] = three.map((record) => [record])
    if (one === undefined || two === undefined || last === undefined) throw new Error('three')
    const results = await Promise.allSettled([
      journal.append(batchOf(laptop, one)),
      journal.append(batchOf(laptop, last)),
      journal.append(batchOf(laptop, two, [2])),
      journal.append(batchOf(laptop, two)),
      journal.append(batchOf(desktop, one)),
    ])
    const outcomes = results.map(({ status }) => status)
    const [yes, no] = ['fulfilled', 'rejected'] as const
    t.deepEqual(outcomes, [yes, no, yes, no, yes])
    t.is((await journal.head(laptop)).position, 2)
    t.deepEqual(await journal.read(desktop, 0, 10), one)
  },

  'calls take effect in their order, without waiting for each other': async (t, journal) => {
    const appended = journal.append(batchOf(laptop, three, [1, 2, 3]))
    const before = journal.unsettled(laptop)
    const settled = journal.settle(laptop, [2])
    const after = journal.unsettled(laptop)
    const read = journal.read(laptop, 0, 10)
    t.deepEqual(await before, [1, 2, 3])
    t.deepEqual(await after, [1, 3])
    t.deepEqual(await read, three)
    await Promise.all([appended, settled])
  },

  'effects are open until they are settled, and settling again changes nothing': async (
    t,
    journal,
  ) => {
    await journal.append(batchOf(laptop, three, [3, 1]))
    t.deepEqual(await journal.unsettled(laptop), [1, 3])
    await journal.settle(laptop, [3])
    await journal.settle(laptop, [3, 2, 77])
    await journal.settle(desktop, [1])
    t.deepEqual(await journal.unsettled(laptop), [1])
  },

  'the newest count of tries of an item is kept': async (t, journal) => {
    await journal.noteTries(laptop, { item: 'q-00000b', tries: 1, time: 10 })
    await journal.noteTries(laptop, { item: 'q-00000a', tries: 1, time: 20 })
    await journal.noteTries(laptop, { item: 'q-00000b', tries: 2, time: 30 })
    t.deepEqual(await journal.tries(laptop), [
      { item: 'q-00000a', tries: 1, time: 20 },
      { item: 'q-00000b', tries: 2, time: 30 },
    ])
    t.deepEqual(await journal.repositories(), [], 'a count is no record')
  },

  'notes of who was heard take the place of those before': async (t, journal) => {
    t.deepEqual(await journal.heard(laptop), [])
    const note = { writer: 'w-00000001', time: 10, silentMs: 0 }
    await journal.noteHeard(laptop, [note, { ...note, writer: 'w-00000002' }])
    const newer = { ...note, time: 20, from: '192.0.2.7:5000', isGone: true } as const
    await journal.noteHeard(laptop, [newer])
    t.deepEqual(await journal.heard(laptop), [newer])
    t.deepEqual(await journal.heard(desktop), [])
    t.deepEqual(await journal.repositories(), [], 'a note is no record')
  },

  'a base takes the place of the records before it': async (t, journal) => {
    await journal.append(batchOf(laptop, three))
    t.is(await journal.base(laptop), undefined)
    const base = { position: 2, hash: three[1]?.hash ?? '', text: '{"state — Zustand":1}' }
    await journal.rebase(laptop, base)
    t.deepEqual(await journal.base(laptop), base)
    t.deepEqual(await journal.read(laptop, 0, 10), three.slice(2))
    t.deepEqual(await journal.read(laptop, 1, 1), three.slice(2))
    t.deepEqual(await journal.head(laptop), { position: 3, hash: three[2]?.hash })
    const next = recordsAfter(await journal.head(laptop), 'four')
    await journal.append(batchOf(laptop, next))
    t.deepEqual(await journal.read(laptop, 2, 10), [...three.slice(2), ...next])
    const whole = { position: 4, hash: next[0]?.hash ?? '', text: 'all' }
    await journal.rebase(laptop, whole)
    t.deepEqual(await journal.base(laptop), whole)
    t.deepEqual(await journal.read(laptop, 0, 10), [])
    t.deepEqual(await journal.head(laptop), { position: 4, hash: next[0]?.hash })
    t.deepEqual(await journal.repositories(), [laptop])
    t.is(await journal.base(root), undefined)
  },

  'with a base go the notes of the tries of items that are over': async (t, journal) => {
    await journal.append(batchOf(laptop, three))
    for (const item of ['q-00000a', 'q-00000b', 'q-00000c']) {
      await journal.noteTries(laptop, { item, tries: 2, time: 10 })
    }
    const base = { position: 3, hash: three[2]?.hash ?? '', text: 'all' }
    await journal.rebase(laptop, base, ['q-00000a', 'q-00000c', 'q-00000d'])
    const items = (await journal.tries(laptop)).map(({ item }) => item)
    t.deepEqual(items, ['q-00000b'])
  },

  'a base that does not fit is refused and changes nothing': async (t, journal) => {
    await journal.append(batchOf(laptop, three, [2]))
    const at = (position: number, hash = three[position - 1]?.hash) => {
      return journal.rebase(laptop, { position, hash: hash ?? emptyHead.hash, text: '' })
    }
    await refusedWith(t, 'conflict', at(0))
    await refusedWith(t, 'conflict', at(4))
    await refusedWith(t, 'conflict', at(1, three[1]?.hash))
    await refusedWith(t, 'conflict', at(2))
    await refusedWith(t, 'conflict', at(3))
    t.is(await journal.base(laptop), undefined)
    t.deepEqual(await journal.read(laptop, 0, 10), three)
    await journal.settle(laptop, [2])
    await at(2)
    await refusedWith(t, 'conflict', at(1))
    await refusedWith(t, 'conflict', at(2))
    t.deepEqual(await journal.read(laptop, 0, 10), three.slice(2))
  },

  'many appenders at once keep each journal in order': async (t, journal) => {
    const appender = async (repository: RepositoryId): Promise<void> => {
      let head = emptyHead
      for (let step = 0; step < 25; step += 1) {
        const records = recordsAfter(head, `${repository} ${step} a`, `${repository} ${step} b`)
        await journal.append(batchOf(repository, records))
        head = await journal.head(repository)
      }
    }
    const names = Array.from({ length: 16 }, (_, number) => `r${number}` as RepositoryId)
    await Promise.all(names.map(appender))
    for (const name of names) {
      const bodies = (await journal.read(name, 0, 100)).map(({ body }) => body)
      const expected = Array.from({ length: 25 }, (_, step) => [
        `${name} ${step} a`,
        `${name} ${step} b`,
      ])
      t.deepEqual(bodies, expected.flat())
    }
  },

  'what is asked after closing fails, and what was asked before does not': async (
    t,
    journal,
  ) => {
    const appended = journal.append(batchOf(laptop, three))
    const closed = journal.close()
    const late = journal.head(laptop)
    await refusedWith(t, 'unavailable', late)
    await refusedWith(t, 'unavailable', journal.settle(laptop, [1]))
    await t.notThrowsAsync(Promise.all([appended, closed]))
    await t.notThrowsAsync(journal.close(), 'closing twice')
  },
}

export const conforms = test.macro({
  title: (name = 'a journal', _factory: JournalFactory, behaviour: string) =>
    `${name}: ${behaviour}`,
  exec: async (t, factory: JournalFactory, behaviour: string) => {
    const run = behaviours[behaviour]
    if (run === undefined) throw new Error(`no such behaviour: ${behaviour}`)
    await run(t, await factory(t))
  },
})
