/** What a start and an adoption do not do, and how much the gate asks of the store and the journal. */
import test from 'ava'
import { createHash } from 'node:crypto'
import SqliteDatabase from 'better-sqlite3'
import { join } from 'node:path'
import { GroupCommit } from '../../backends/sqlite/group-commit.js'
import { migrate } from '../../backends/sqlite/schema.js'
import { Statements } from '../../backends/sqlite/statements.js'
import type { Question, QuestionKind, Reply } from '../../backends/sqlite/messages.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import type { JournalStore, ObjectStore } from '../../fencing/ports.js'
import type { UploadBody, Visitor } from '../../gateway/gate/gate.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { buildGate } from './door.js'

const laptop = 'laptop' as RepositoryId
const forever = new AbortController().signal

function visitor(id: string, tag?: string): Visitor {
  return {
    channel: { id, openedAt: performance.now(), isHidden: false },
    client: { address: '192.0.2.1' },
    ...(tag === undefined ? {} : { tag }),
    isAppendOnly: false,
  }
}

function bodyOf(text: string): UploadBody & { isDrained: boolean } {
  const body = {
    isDrained: false,
    chunks: (async function* () {
      yield Buffer.from(text)
    })(),
    drain: async () => {
      body.isDrained = true
    },
  }
  return body
}

function named(type: ListedType, text: string): ObjectName {
  return `${type}/${createHash('sha256').update(text).digest('hex')}` as ObjectName
}

async function put(store: ObjectStore, object: ObjectName, text: string): Promise<void> {
  const id = createHash('sha256').update(object).digest('hex').slice(0, 24)
  await store.stage(laptop, id, bodyOf(text).chunks, undefined, object)
  await store.publish(laptop, { area: 'staging', id }, object)
}

test('no start, adoption, opening or write ever lists the packs', async (t) => {
  const inner = memoryStore()
  await inner.create(laptop)
  await put(inner, 'config' as ObjectName, 'config')
  await put(inner, named('data', 'pack'), 'pack')
  await put(inner, named('index', 'index'), 'index')
  const { gate, fences, watched, journal } = buildGate({ store: inner })
  watched.failing = (call, _repository, type) => {
    return call === 'list' && type === 'data' ? 'unavailable' : undefined
  }
  const a = visitor('a', 'a')
  t.is(await gate.begin(a, laptop), 'config'.length)
  await gate.list(a, laptop, 'index')
  await gate.list(a, laptop, 'snapshots')
  const upload = async (type: ListedType, text: string): Promise<string> => {
    return (await gate.upload(a, laptop, named(type, text), bodyOf(text), forever)).kind
  }
  t.is(await upload('data', 'second'), 'done')
  t.is(await upload('snapshots', 'snapshot'), 'done')
  t.is((await gate.delete(a, laptop, named('data', 'pack'), forever)).kind, 'done')
  await fences.tick()
  await fences.flush()
  const again = buildGate({ store: watched.store, journal })
  await again.fences.loadAll()
  t.is(await again.gate.begin(visitor('b'), laptop), 'config'.length)
  t.deepEqual(again.faults, [])
  await t.throwsAsync(gate.list(a, laptop, 'data'), undefined, 'the store does fail')
})

test("a stale client's retries are drained, not staged again", async (t) => {
  const { gate, fences, watched } = buildGate()
  await gate.create(visitor('s'), laptop)
  await put(watched.store, 'config' as ObjectName, 'config')
  const a = visitor('a', 'a')
  await gate.begin(a, laptop)
  await gate.list(a, laptop, 'index')
  await (await fences.of(laptop))?.raise('root', 'test')
  let staged = 0
  watched.failing = (call) => {
    if (call === 'stage') staged += 1
    return undefined
  }
  for (let tries = 1; tries <= 5; tries += 1) {
    const body = bodyOf('index')
    const outcome = await gate.upload(a, laptop, named('index', 'index'), body, forever)
    t.like(outcome, { kind: 'refused', reason: 'stale' })
    t.is(body.isDrained, tries > 1)
    t.is(staged, 1)
  }
  const [item] = (await fences.of(laptop))?.state.items.values() ?? []
  t.is(item?.tries, 5)
})

/** A journal in the test's own thread, that counts its transactions. */
function countingJournal(file: string): { journal: JournalStore; transactions: () => number } {
  let transactions = 0
  const database = new SqliteDatabase(file, {
    verbose: (statement) => {
      if (String(statement).startsWith('BEGIN')) transactions += 1
    },
  })
  migrate(database)
  const pending = new Map<number, (reply: Reply) => void>()
  const group = new GroupCommit({
    statements: new Statements(database, file),
    file,
    records: 0,
    noteRecords: () => undefined,
    makeRoom: () => false,
    reply: (reply) => pending.get(reply.id)?.(reply),
    close: () => database.close(),
    end: () => undefined,
  })
  let last = 0
  const ask = (kind: QuestionKind, rest: object): Promise<never> => {
    last += 1
    const id = last
    group.take({ id, kind, ...rest } as Question)
    if (kind === 'settle') return Promise.resolve(undefined as never)
    return new Promise((resolve, reject) => {
      pending.set(id, ({ answer, fault }) => {
        if (fault === undefined) resolve(answer as never)
        else reject(new Error(fault.message))
      })
    })
  }
  const journal: JournalStore = {
    repositories: () => ask('repositories', {}),
    head: (repository) => ask('head', { repository }),
    read: (repository, after, limit) => ask('read', { repository, after, limit }),
    unsettled: (repository) => ask('unsettled', { repository }),
    append: (batch) => ask('append', { batch }),
    settle: (repository, positions) => ask('settle', { repository, positions }),
    base: (repository) => ask('base', { repository }),
    rebase: (repository, base) => ask('rebase', { repository, base }),
    tries: (repository) => ask('tries', { repository }),
    noteTries: (repository, note) => ask('noteTries', { repository, note }),
    heard: (repository) => ask('heard', { repository }),
    noteHeard: (repository, notes) => ask('noteHeard', { repository, notes }),
    close: () => ask('close', {}),
  }
  return { journal, transactions: () => transactions }
}

test('a hundred deletions of packs at once share a few transactions', async (t) => {
  const folder = await temporaryFolder(t)
  const { journal, transactions } = countingJournal(join(folder, 'journal.sqlite'))
  const store = memoryStore()
  await store.create(laptop)
  await put(store, 'config' as ObjectName, 'config')
  const packs = Array.from({ length: 100 }, (_, number) => String(number))
  for (const pack of packs) await put(store, named('data', pack), pack)
  const { gate, fences } = buildGate({ store, journal })
  const a = visitor('a', 'a')
  await gate.begin(a, laptop)
  await gate.list(a, laptop, 'index')
  const before = transactions()
  const outcomes = await Promise.all(
    packs.map((pack) => gate.delete(a, laptop, named('data', pack), forever)),
  )
  t.true(outcomes.every(({ kind }) => kind === 'done'))
  t.deepEqual(await store.list(laptop, 'data'), [])
  const used = transactions() - before
  t.log(`${used} transactions`)
  t.true(used <= 5)
  t.like(await fences.of(laptop), { state: { generation: 2 } })
  await journal.close()
})
