/** What waits for one target: its bounds, its schedule, and what is joined. */
import test from 'ava'
import type { Notice } from '../../gateway/notify/message.js'
import { emptyOutbox, Outbox } from '../../gateway/notify/outbox.js'
import { parseRetryAfter } from '../../gateway/notify/retrying.js'

const hour = 3_600_000
const noticeOf = (client: string, time = 0): Notice => ({
  ...{ type: 'write.fenced', repository: 'laptop', client, sentence: 'it was fenced' },
  ...{ time, position: 1 },
})
const outboxOf = (digestMs = 1_000, random = 0): Outbox => {
  let last = 0
  const makeId = (): string => String((last += 1))
  const options = { isNewestOnly: false, digestMs, makeId, random: () => random }
  return new Outbox(emptyOutbox(new Map()), options)
}

for (const random of [0, 1])
  test(`it is tried ten times, as the schedule says, with jitter of ${random}`, (t) => {
    const outbox = outboxOf(1_000, random)
    outbox.add(noticeOf('ann'), 0)
    const waits: number[] = []
    let now = 0
    for (;;) {
      const message = outbox.take(now)
      if (message === undefined) return t.fail()
      const settled = outbox.settle(message, { kind: 'failed', why: 'x' }, now)
      if (settled === 'given-up') break
      t.is(settled, 'again')
      const due = outbox.nextDue() ?? now
      t.is(outbox.take(due - 1), undefined)
      waits.push((due - now) / (1 + 0.2 * random))
      now = due
    }
    t.deepEqual(
      waits.map((wait) => Math.round(wait)),
      [5_000, 300_000, 1_800_000, ...[2, 5, 10, 14, 20, 24].map((each) => each * hour)],
    )
    t.is(outbox.nextDue(), undefined)
  })

test('what was tried is joined with nothing, so that each try says the same', (t) => {
  const outbox = outboxOf()
  outbox.add(noticeOf('ann', 1), 1)
  const first = outbox.take(1)
  outbox.add(noticeOf('ann', 2), 2)
  outbox.add(noticeOf('ann', 3), 3)
  t.is(first?.count, 1)
  if (first !== undefined) outbox.settle(first, { kind: 'arrived' }, 4)
  t.is(outbox.take(1_000), undefined)
  t.like(outbox.take(1_001), { count: 2, since: 2, notice: { time: 3 } })
})

test('once one has arrived, those that did not are sent again at once', (t) => {
  const outbox = outboxOf()
  outbox.add(noticeOf('ann'), 0)
  const first = outbox.take(0)
  if (first !== undefined) outbox.settle(first, { kind: 'failed', why: 'x' }, 0)
  outbox.add(noticeOf('bob'), 1)
  const second = outbox.take(1)
  t.is(second?.notice.client, 'bob')
  if (second !== undefined) outbox.settle(second, { kind: 'arrived' }, 2)
  t.is(outbox.take(2)?.notice.client, 'ann')
})

test('what waits is bounded, and so is what is remembered of digests', (t) => {
  const outbox = outboxOf(hour)
  let added = 0
  while (!outbox.isFull) outbox.add(noticeOf(`client ${(added += 1)}`), 0)
  t.is(added, 200)
  for (let at = 0; at < 1_200; at += 1) {
    const message = outbox.take(at)
    if (message !== undefined) outbox.settle(message, { kind: 'arrived' }, at)
    outbox.add(noticeOf(`other ${at}`), at)
  }
  t.true(outbox.state.windows.size <= 1_000)
})

test('a clock that was set back keeps nothing for years', (t) => {
  const outbox = outboxOf()
  const later = 10_000 * hour
  outbox.add(noticeOf('ann'), later)
  outbox.clamp(0)
  t.is(outbox.nextDue(), 48 * hour)
})

test('Retry-After is seconds or a date, and a day at most', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const read = (text: string): number | undefined => parseRetryAfter(text, now)
  t.is(read('120'), 120_000)
  t.is(read('Thu, 01 Jan 2026 00:01:00 GMT'), 60_000)
  t.is(read('Wed, 31 Dec 2025 00:00:00 GMT'), 0)
  t.is(read('999999999'), 24 * hour)
  t.is(read('soon'), undefined)
})
