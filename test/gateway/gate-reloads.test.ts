/** A journal that goes on to fail is not read anew with each request. */
import test from 'ava'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError, type Clock, type JournalStore } from '../../fencing/ports.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { buildGate, nameOf } from './door.js'

const repository = 'repo' as RepositoryId
const never = new AbortController().signal

interface Faults {
  append: boolean
  read: boolean
}

/** A gate over a journal that fails as the test says, and how often the journal was read. */
async function begun() {
  const time = { now: 1000 }
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.now,
    running: () => time.now,
    timer: () => () => undefined,
  }
  const inner = memoryJournal()
  const failing: Faults = { append: false, read: false }
  let reads = 0
  const fault = (): never => {
    throw new BackendError('unavailable', 'EIO')
  }
  const journal: JournalStore = {
    ...inner,
    append: async (batch) => (failing.append ? fault() : inner.append(batch)),
    read: async (...asked) => {
      reads += 1
      return failing.read ? fault() : inner.read(...asked)
    },
  }
  const { gate } = buildGate({ clock, journal })
  const channel = { id: 'c', openedAt: time.now, isHidden: false }
  const client = { address: '192.0.2.1' }
  const visitor: Visitor = { channel, client, isAppendOnly: false }
  let count = 0
  const post = async (): Promise<string> => {
    const content = `pack ${(count += 1)}`
    const chunks = (async function* () {
      yield Buffer.from(content)
    })()
    const body = { chunks, drain: async () => undefined }
    const object: ObjectName = nameOf('data', content)
    return gate.upload(visitor, repository, object, body, never).then(
      ({ kind }) => kind,
      (error: unknown) => (error instanceof BackendError ? error.code : 'a bug'),
    )
  }
  await gate.create(visitor, repository)
  if ((await post()) !== 'done') throw new Error('it does not work at all')
  const readsOf = async (act: () => Promise<void>): Promise<number> => {
    const before = reads
    await act()
    return reads - before
  }
  return { time, failing, post, readsOf }
}

const times = async (count: number, act: () => Promise<string>): Promise<string[]> => {
  const told: string[] = []
  for (let at = 0; at < count; at += 1) told.push(await act())
  return told
}

for (const what of ['append', 'read'] as const) {
  test(`while "${what}" fails, requests are told so and few of them read the journal`, async (t) => {
    const { time, failing, post, readsOf } = await begun()
    failing.append = true
    failing[what] = true
    const reads = await readsOf(async () => {
      t.deepEqual([...new Set(await times(200, post))], ['unavailable'])
    })
    t.true(reads > 0)
    t.true(reads <= 6, `${reads} reads`)
    time.now += 60_000
    const later = await readsOf(async () => {
      await times(200, post)
    })
    t.true(later > 0 && later <= 2, `${later} reads`)
  })

  test(`once "${what}" works again writes go on within 15 s, and a single fault costs none of them`, async (t) => {
    const { time, failing, post } = await begun()
    failing.append = true
    failing[what] = true
    for (let minute = 0; minute < 10; minute += 1) {
      await times(5, post)
      time.now += 60_000
    }
    Object.assign(failing, { append: false, read: false })
    time.now += 15_000
    t.is(await post(), 'done')
    for (let at = 0; at < 10; at += 1) {
      failing.append = true
      t.is(await post(), 'unavailable')
      failing.append = false
      t.is(await post(), 'done', 'a fault that passes costs nothing more')
    }
  })
}
