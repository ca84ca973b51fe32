/** What removals share, and what stays to be done when the sharing fails: the gate over a local store. */
import test, { type ExecutionContext } from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { WatchedDisk } from '../backends/watched-disk.js'
import { buildGate, nameOf, realClock, type GateWithParts } from './door.js'

const repository = 'repo' as RepositoryId
const config = 'config' as ObjectName
const never = new AbortController().signal
const contents = Array.from({ length: 40 }, (_, number) => `pack ${number}`)
const packs = contents.map((content) => nameOf('data', content))
const visitor = (tag: string): Visitor => ({
  channel: { id: tag, openedAt: realClock.monotonic(), isHidden: false },
  client: { address: '192.0.2.1' },
  tag,
  isAppendOnly: false,
})
const [backup, prune] = [visitor('backup'), visitor('prune')]

async function put(
  { gate }: GateWithParts,
  object: ObjectName,
  text: string,
  from: Visitor = backup,
): Promise<void> {
  const chunks = (async function* () {
    yield Buffer.from(text)
  })()
  const body = { chunks, drain: async () => undefined }
  const outcome = await gate.upload(from, repository, object, body, never)
  if (outcome.kind !== 'done') throw new Error(`${object} was not taken`)
}

/** Packs, and a writer that has looked after they came. */
async function filled(t: ExecutionContext): Promise<{
  parts: GateWithParts
  watch: WatchedDisk
  remove: (count: number) => Promise<void>
  /** The first pack comes once more; answers its name and size. */
  bringBack: () => Promise<{ pack: ObjectName; size: number }>
}> {
  const root = await temporaryFolder(t)
  const watch = new WatchedDisk(root)
  const parts = buildGate({ store: await openLocalStore({ root, disk: watch.disk }) })
  const { gate } = parts
  await gate.create(backup, repository)
  await put(parts, config, 'config')
  await gate.begin(backup, repository)
  for (const [at, object] of packs.entries()) await put(parts, object, contents[at] ?? '')
  await gate.begin(prune, repository)
  await gate.list(prune, repository, 'data')
  const remove = async (count: number): Promise<void> => {
    await Promise.all(
      packs.slice(0, count).map(async (object) => {
        const { kind } = await gate.delete(prune, repository, object, never)
        t.is(kind, 'done')
      }),
    )
  }
  const bringBack = async (): Promise<{ pack: ObjectName; size: number }> => {
    const [pack] = packs
    const [content] = contents
    if (pack === undefined || content === undefined) throw new Error('there are no packs')
    await put(parts, pack, content, prune)
    return { pack, size: content.length }
  }
  watch.take()
  return { parts, watch, remove, bringBack }
}

test('removals are recorded and gone at once, and each folder is synced once before they are settled', async (t) => {
  const { parts, watch, remove } = await filled(t)
  await remove(packs.length)
  const calls = watch.take()
  t.is(calls.filter((call) => call.startsWith('unlink')).length, packs.length)
  t.is((await parts.gate.list(prune, repository, 'data'))?.length, 0)
  await parts.fences.flush()
  const synced = [...calls, ...watch.take()].filter((call) => call.startsWith('sync'))
  const shards = new Set(packs.map((pack) => pack.slice('data/'.length, 'data/'.length + 2)))
  t.deepEqual(
    [...new Set(synced)].sort(),
    [...shards].map((shard) => `sync repo/data/${shard}`).sort(),
  )
  t.deepEqual(await parts.journal.unsettled(repository), [])
})

test('a removal that cannot be made durable stays unsettled, and is carried out again', async (t) => {
  const { parts, watch, remove } = await filled(t)
  parts.watched.failing = (call) => (call === 'syncUnlinked' ? 'unavailable' : undefined)
  await remove(3)
  await parts.fences.flush()
  t.is((await parts.journal.unsettled(repository)).length, 3)
  t.is(parts.faults.length, 1)
  parts.watched.failing = () => undefined
  watch.take()
  await parts.fences.tick()
  t.deepEqual(await parts.journal.unsettled(repository), [])
  t.true(watch.take().filter((call) => call.startsWith('sync')).length > 0)
})

test('a pack that comes again before its removal is settled stays', async (t) => {
  const { parts, remove, bringBack } = await filled(t)
  await remove(1)
  const { pack, size } = await bringBack()
  await parts.fences.flush()
  t.is(await parts.gate.stat(prune, repository, pack), size)
  t.deepEqual(await parts.journal.unsettled(repository), [])
})

test('a pack that came again stays, though the gateway died before its removal was settled', async (t) => {
  const { parts, remove, bringBack } = await filled(t)
  parts.watched.failing = (call) => (call === 'syncUnlinked' ? 'unavailable' : undefined)
  await remove(1)
  const { pack, size } = await bringBack()
  await parts.fences.flush()
  t.is((await parts.journal.unsettled(repository)).length, 1)
  parts.watched.failing = () => undefined
  const { gate, journal } = buildGate({ store: parts.store, journal: parts.journal })
  t.is(await gate.stat(visitor('later'), repository, pack), size)
  t.deepEqual(await journal.unsettled(repository), [])
})
