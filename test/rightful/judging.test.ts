/** The measure of `npm run rightful` itself: that it sees what it is to see. */
import test from 'ava'
import type { Exchange } from '../end-to-end/harness/exchange.js'
import { judge } from './judging.js'
import { putOffMsOf } from './run.js'
import type { Figures, Limits } from './set-up.js'

const exchange = (what: string, status: number, atMs: number): Exchange => {
  const [method = '', path = ''] = what.split(' ')
  return {
    ...{ connection: 1, method, path, head: '', askedMs: atMs },
    answer: { status, reason: '', atMs },
  }
}

const none: Figures = {
  ...{ runs: 10, heard: 0, putOffMs: 0, failed: [], lockedOut: 0, living: 0 },
  ...{ problems: [], seconds: 1 },
}

const UNDISTURBED: Limits = { heard: 0, putOffMaxMs: 5000, failed: 'none', living: 0 }
const AS_PEER: Limits = { ...UNDISTURBED, failed: 'as-peer' }

test('a run is put off from the first 503 for a name to its final answer', (t) => {
  const asked = [
    exchange('POST /repo/index/a', 503, 1000),
    exchange('DELETE /repo/index/a', 200, 1100),
    exchange('POST /repo/index/a', 503, 2000),
    exchange('POST /repo/locks/b', 200, 3000),
    exchange('POST /repo/index/a', 200, 4000),
    exchange('POST /repo/snapshots/c', 503, 4100),
    exchange('POST /repo/snapshots/c', 403, 4300),
  ]
  t.is(putOffMsOf(asked, 9000), 3000)
})

test('what is never answered for good is put off until the end', (t) => {
  t.is(putOffMsOf([exchange('POST /repo/index/a', 503, 1000)], 9000), 8000)
  t.is(putOffMsOf([exchange('POST /repo/index/a', 200, 1000)], 9000), 0)
})

test('figures within the limits miss nothing', (t) => {
  t.deepEqual(judge(none, UNDISTURBED, undefined), [])
})

test('each figure beyond its limit is told', (t) => {
  const figures = {
    ...{ heard: 1, putOffMs: 6000, failed: ['0.14 backup: x'], living: 2 },
    problems: ['DAMAGED'],
  }
  t.is(judge({ ...none, ...figures }, UNDISTURBED, undefined).length, 5)
})

test('a sleeper that was taken for ended is told', (t) => {
  t.is(judge(none, { ...UNDISTURBED, living: 1 }, undefined).length, 1)
})

test('where 0.14 may fail, others may not', (t) => {
  const limits: Limits = { ...UNDISTURBED, failed: 'none-but-0.14' }
  t.deepEqual(judge({ ...none, failed: ['0.14 backup: x'] }, limits, undefined), [])
  t.is(judge({ ...none, failed: ['0.18 backup: x'] }, limits, undefined).length, 1)
})

test('where runs may fail as behind rest-server, no more may', (t) => {
  const peer = { ...none, failed: ['x'], lockedOut: 2 }
  t.deepEqual(judge({ ...none, failed: ['y'], lockedOut: 3 }, AS_PEER, peer), [])
  t.is(judge({ ...none, failed: ['y', 'z'] }, AS_PEER, peer).length, 1)
  t.is(judge({ ...none, lockedOut: 6 }, AS_PEER, peer).length, 1)
})
