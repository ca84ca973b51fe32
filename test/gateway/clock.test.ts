/** A suspend or a jump of the clock: every lock gets its whole time again. */
import test from 'ava'
import { createHash } from 'node:crypto'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Clock } from '../../fencing/ports.js'
import type { UploadBody, Visitor } from '../../gateway/gate/gate.js'
import { buildGate } from './door.js'

const laptop = 'laptop' as RepositoryId
const minutes = 60_000
const lock = `locks/${createHash('sha256').update('lock').digest('hex')}` as ObjectName
const config = 'config' as ObjectName

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

function visitor(tag: string): Visitor {
  const channel = { id: tag, openedAt: 0, isHidden: false }
  return { channel, client: { address: '192.0.2.1' }, tag, isAppendOnly: false }
}

for (const jump of [2 * 60 * minutes, -2 * 60 * minutes, 0])
  test(`a jump of the wall clock by ${jump / minutes} minutes`, async (t) => {
    const time = { now: 1_700_000_000_000, monotonic: 1_000 }
    const clock: Clock = {
      now: () => time.now,
      monotonic: () => time.monotonic,
      running: () => time.monotonic,
      timer: () => () => undefined,
    }
    const { gate, fences, store } = buildGate({ clock })
    await gate.create(visitor('s'), laptop)
    await store.stage(laptop, 'a', chunksOf('config'), undefined, config)
    await store.publish(laptop, { area: 'staging', id: 'a' }, config)
    const [a, b] = [visitor('a'), visitor('b')]
    await gate.begin(a, laptop)
    const body: UploadBody = { chunks: chunksOf('lock'), drain: async () => undefined }
    await gate.upload(a, laptop, lock, body, new AbortController().signal)
    await gate.begin(b, laptop)
    const shown = async (): Promise<number | undefined> =>
      (await gate.list(b, laptop, 'locks'))?.length
    const pass = (ms: number): void => {
      time.now += ms
      time.monotonic += ms
    }
    pass(29 * minutes)
    await fences.tick()
    t.is(await shown(), 1)
    time.now += jump
    await fences.tick()
    pass(2 * minutes)
    await fences.tick()
    t.is(await shown(), jump === 0 ? 0 : 1, 'a lock of 31 minutes')
    pass(29 * minutes)
    await fences.tick()
    t.is(await shown(), 0, 'its time passes all the same')
  })
