/** Two signals as one, and nothing of it stays. */
import { getEventListeners } from 'node:events'
import test from 'ava'
import { eitherSignal } from '../../gateway/program/either-signal.js'

test('it fires with either, also with one that has fired before', (t) => {
  for (const at of [0, 1]) {
    const both = [new AbortController(), new AbortController()]
    const { signal } = eitherSignal(...both.map((one) => one.signal))
    t.false(signal.aborted)
    both[at]?.abort()
    t.true(signal.aborted)
    t.true(eitherSignal(...both.map((one) => one.signal)).signal.aborted)
  }
})

test('a signal that lives as long as the process keeps nothing of those that were joined with it', (t) => {
  const { signal: ending } = new AbortController()
  for (let times = 0; times < 100; times += 1) {
    const { release } = eitherSignal(new AbortController().signal, ending)
    t.is(getEventListeners(ending, 'abort').length, 1)
    release()
  }
  t.is(getEventListeners(ending, 'abort').length, 0)
})
