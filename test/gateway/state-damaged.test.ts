/** From a damaged file to what a client is told: reads are served, and every write is refused and leaves nothing. */
import test from 'ava'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { Allowance } from '../../fencing/state/item.js'
import type { ObjectName } from '../../fencing/object.js'
import { defaultSettings } from '../../fencing/rules/context.js'
import { Fences } from '../../gateway/gate/fences.js'
import { defaultParking, Gate, type Visitor } from '../../gateway/gate/gate.js'
import { stateFolderOf } from '../../gateway/program/state/places.js'
import { openState } from '../../gateway/program/state/state.js'
import { systemClock, systemRandom } from '../../gateway/program/surroundings.js'
import { laptop, refusedWith } from '../conformance/journal-store.js'
import { bodyOf, nameOf, put } from '../conformance/object-store.js'

const config = 'config' as ObjectName
const pack = Buffer.from('a pack')

test('with a damaged journal reads are served and writes fail with how to recover', async (t) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-damaged-')))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const folder = stateFolderOf(root)
  await mkdir(folder)
  await writeFile(join(folder, 'journal.sqlite'), createHash('sha512').update('x').digest())
  const state = await openState({ folder, command: 'serve' })
  t.teardown(() => state.close())
  const { journal } = await state.openJournal()
  const store = memoryStore()
  await store.create(laptop)
  await put(store, laptop, config, Buffer.from('config'))
  await put(store, laptop, nameOf('data', pack), pack)
  const fences = new Fences({
    store,
    journal,
    clock: systemClock,
    random: systemRandom,
    settings: defaultSettings,
    allowance: new Allowance(Number.POSITIVE_INFINITY),
    itemAgeMaxMs: Number.POSITIVE_INFINITY,
    onFault: (error) => t.fail(String(error)),
  })
  const gate = new Gate({ store, fences, random: systemRandom, ...defaultParking })
  const visitor: Visitor = {
    channel: { id: 'c1', openedAt: 0, isHidden: false },
    client: { address: '127.0.0.1' },
    isAppendOnly: false,
  }

  t.is(await gate.begin(visitor, laptop), 6)
  t.deepEqual((await gate.list(visitor, laptop, 'data'))?.length, 1)
  const opened = await gate.open(visitor, laptop, nameOf('data', pack))
  t.deepEqual(opened && (await buffer(opened.read())), pack)

  const { signal } = new AbortController()
  const bytes = Buffer.from('an index')
  let isDrained = false
  const body = {
    chunks: bodyOf(bytes),
    drain: async () => {
      isDrained = true
    },
  }
  const name = nameOf('index', bytes)
  const error = await refusedWith(
    t,
    'corrupt',
    gate.upload(visitor, laptop, name, body, signal),
  )
  t.regex(error.message, /journal\.\*/)
  t.true(isDrained)
  t.is(await store.stat(laptop, name), undefined)
  t.deepEqual(await store.held(laptop, 'staging'), [])
  const gone = nameOf('data', pack)
  await refusedWith(t, 'corrupt', gate.delete(visitor, laptop, gone, signal))
  t.is(await store.stat(laptop, gone), pack.length)
})
