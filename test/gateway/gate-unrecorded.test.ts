/** While the journal cannot record, reads are served; what was read then is made up for before anything is written. */
import test from 'ava'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { parseEvent, type JournalEvent } from '../../fencing/journal/event.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError, type BackendErrorCode, type JournalStore } from '../../fencing/ports.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { Unrecorded } from '../../gateway/gate/unrecorded.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const config = 'config' as ObjectName
const never = new AbortController().signal
const index = nameOf('index', 'index')

function visitor(id: string): Visitor {
  const channel: Channel = {
    ...{ id, openedAt: realClock.monotonic() },
    ...{ isHidden: false, staysOpen: true },
  }
  return { channel, client: { address: '192.0.2.1' }, isAppendOnly: false, constants: id }
}

function upload(
  { gate }: GateWithParts,
  from: Visitor,
  object: ObjectName,
  content: string,
): Promise<Outcome> {
  const chunks = (async function* () {
    yield Buffer.from(content)
  })()
  const body = { chunks, drain: async () => undefined }
  return gate.upload(from, repository, object, body, never)
}

type Call = keyof JournalStore

/** A journal whose calls fail as the test says. */
class Sick {
  failing: (call: Call) => BackendErrorCode | undefined = () => undefined
  readonly inner = memoryJournal()
  readonly store: JournalStore

  constructor() {
    const calls = Object.keys(this.inner) as Call[]
    const failable = (call: Call) => {
      const act = this.inner[call] as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]): Promise<unknown> => {
        const code = this.failing(call)
        if (code !== undefined) throw new BackendError(code, `${call} was made to fail`)
        return act(...args)
      }
    }
    const all = calls.map((call): [Call, unknown] => [call, failable(call)])
    this.store = Object.fromEntries(all) as unknown as JournalStore
  }

  async events(): Promise<JournalEvent[]> {
    const records = await this.inner.read(repository, 0, 1_000)
    return records.flatMap(({ body }) => parseEvent(body) ?? [])
  }
}

interface Scene {
  readonly parts: GateWithParts
  readonly sick: Sick
}

/** A repository with an index and a pack. */
async function begun(): Promise<Scene> {
  const sick = new Sick()
  const parts = buildGate({ journal: sick.store })
  const first = visitor('first')
  await parts.gate.create(first, repository)
  await upload(parts, first, config, 'config')
  await parts.gate.begin(first, repository)
  await parts.gate.list(first, repository, 'index')
  await upload(parts, first, nameOf('data', 'pack'), 'pack')
  await upload(parts, first, index, 'index')
  parts.gate.closed('first', true)
  return { parts, sick }
}

async function prune({ parts }: Scene): Promise<void> {
  const from = visitor('prune')
  await parts.gate.begin(from, repository)
  await parts.gate.list(from, repository, 'index')
  await parts.gate.list(from, repository, 'data')
  mustBeDone(await parts.gate.delete(from, repository, index, never))
}

function mustBeDone({ kind }: Outcome): void {
  if (kind !== 'done') throw new Error(kind)
}

const reasonOf = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.reason : outcome.kind

for (const code of ['no-space', 'unavailable', 'not-allowed'] as const) {
  test(`an opening that meets "${code}" reads everything and writes nothing`, async (t) => {
    const scene = await begun()
    const { parts, sick } = scene
    sick.failing = (call) => (call === 'append' ? code : undefined)
    const reader = visitor('reader')
    t.is(await parts.gate.begin(reader, repository), 6)
    t.is((await parts.gate.list(reader, repository, 'index'))?.length, 1)
    const opened = await parts.gate.open(reader, repository, index)
    t.is(opened?.size, 5)
    await opened?.close()
    await t.throwsAsync(upload(parts, reader, nameOf('locks', 'lock'), 'lock'), { code })
    t.deepEqual(await parts.store.list(repository, 'locks'), [])
  })
}

for (const code of ['unavailable', 'corrupt', 'newer-state', 'locked'] as const) {
  test(`reads are served where every call of the journal is answered "${code}"`, async (t) => {
    const { parts, sick } = await begun()
    sick.failing = () => code
    const started = buildGate({ journal: sick.store, store: parts.store })
    const reader = visitor('reader')
    t.is(await started.gate.begin(reader, repository), 6)
    t.is((await started.gate.list(reader, repository, 'index'))?.length, 1)
    t.is(await started.gate.stat(reader, repository, index), 5)
    await t.throwsAsync(upload(started, reader, nameOf('locks', 'lock'), 'lock'), { code })
  })
}

test('an opening is made up for when the journal records again, with the view that it had', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  sick.failing = (call) => (call === 'append' ? 'no-space' : undefined)
  const reader = visitor('reader')
  await parts.gate.begin(reader, repository)
  await parts.gate.list(reader, repository, 'index')
  sick.failing = () => undefined
  t.is((await upload(parts, reader, nameOf('data', 'more'), 'more')).kind, 'done')
  t.is((await upload(parts, reader, nameOf('index', 'more'), 'more')).kind, 'done')
  const belated = (await sick.events()).filter(
    (event) => event.kind === 'opened' && event.isBelated === true,
  )
  t.is(belated.length, 1)
})

test('an opening that met one EIO costs its run no channel, also beside a maintenance', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  const { gate } = parts
  const pruning = visitor('prune')
  await gate.begin(pruning, repository)
  mustBeDone(await upload(parts, pruning, nameOf('locks', 'prune'), 'prune'))
  await gate.list(pruning, repository, 'data')
  const run = visitor('run')
  sick.failing = (call) => (call === 'append' ? 'unavailable' : undefined)
  await gate.begin(run, repository)
  sick.failing = () => undefined
  mustBeDone(await upload(parts, run, nameOf('locks', 'run'), 'run'))
  await gate.list(run, repository, 'index')
  mustBeDone(await upload(parts, run, nameOf('data', 'more'), 'more'))
  mustBeDone(await upload(parts, run, nameOf('index', 'more'), 'more'))
  const fence = await parts.fences.of(repository)
  t.is(fence?.livingWriters().length, 3, 'the first, the prune and the run')
})

test('what a prune overtook that began unrecorded is stale', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  sick.failing = (call) => (call === 'append' ? 'no-space' : undefined)
  const reader = visitor('reader')
  await parts.gate.begin(reader, repository)
  await parts.gate.list(reader, repository, 'index')
  sick.failing = () => undefined
  await prune(scene)
  t.is(reasonOf(await upload(parts, reader, nameOf('index', 'more'), 'more')), 'stale')
})

test('the look of a known writer that could not be recorded keeps a later lock from moving its view', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  const sleeper = visitor('sleeper')
  await parts.gate.begin(sleeper, repository)
  mustBeDone(await upload(parts, sleeper, nameOf('locks', 'lock'), 'lock'))
  sick.failing = (call) => (call === 'append' ? 'unavailable' : undefined)
  t.is((await parts.gate.list(sleeper, repository, 'index'))?.length, 1)
  sick.failing = () => undefined
  await prune(scene)
  t.is(reasonOf(await upload(parts, sleeper, nameOf('locks', 'later'), 'later')), 'stale')
  t.is(reasonOf(await upload(parts, sleeper, nameOf('index', 'more'), 'more')), 'stale')
})

test('who began unrecorded and has left is known as one that may have exited', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  sick.failing = (call) => (call === 'append' ? 'no-space' : undefined)
  await parts.gate.begin(visitor('reader'), repository)
  parts.gate.closed('reader', true)
  sick.failing = () => undefined
  await parts.gate.begin(visitor('other'), repository)
  const belated = (await sick.events()).find(
    (event) => event.kind === 'opened' && event.isBelated === true,
  )
  const fence = await parts.fences.of(repository)
  if (belated?.kind !== 'opened') return t.fail('it was forgotten')
  t.true(fence?.presence.hasExited(belated.writer))
})

test('who reads while nothing can be recorded is bounded, and who has left makes room', (t) => {
  let now = 0
  const unrecorded = new Unrecorded({ ...realClock, monotonic: () => now })
  const view = { commitView: 0, packView: 0 }
  const begin = (id: string): boolean => {
    const { channel, client } = visitor(id)
    return unrecorded.opened(repository, channel, { client }, view)
  }
  for (let at = 0; at < 256; at += 1) t.true(begin(`${at}`))
  t.false(begin('one too many'))
  unrecorded.closed('7', true)
  t.false(begin('it may have lost its channel only'))
  now += 10 * 60_000
  t.true(begin('another'))
  t.false(begin('one too many again'))
})

test('what the journal has deleted stays hidden when it cannot be read any more', async (t) => {
  const scene = await begun()
  const { parts, sick } = scene
  parts.watched.failing = (call) => (call === 'remove' ? 'unavailable' : undefined)
  await t.throwsAsync(prune(scene))
  sick.failing = () => 'unavailable'
  const reader = visitor('reader')
  await parts.gate.begin(reader, repository)
  t.deepEqual(await parts.gate.list(reader, repository, 'index'), [])
  t.is(await parts.gate.stat(reader, repository, index), undefined)
})

test('append-only: a deletion is refused for good, whatever has become of the journal', async (t) => {
  const { parts, sick } = await begun()
  sick.failing = () => 'unavailable'
  const started = buildGate({ journal: sick.store, store: parts.store })
  const from = { ...visitor('client'), isAppendOnly: true }
  t.is(reasonOf(await started.gate.delete(from, repository, index, never)), 'append-only')
  await t.throwsAsync(started.gate.delete(from, repository, nameOf('locks', 'l'), never))
})
