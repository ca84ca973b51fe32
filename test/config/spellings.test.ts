import test from 'ava'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../config/duration.js'
import {
  formatListenAddress,
  isLoopback,
  parseListenAddress,
} from '../../config/listen-address.js'
import { formatSize, parseSize } from '../../config/size.js'

const hour = 3_600_000

for (const [text, expected] of [
  ['30m', hour / 2],
  ['14d', 14 * 24 * hour],
  ['1h 30m', 1.5 * hour],
  ['1h30m', 1.5 * hour],
  ['1.5h', 1.5 * hour],
  ['250ms', 250],
  ['2 h', 2 * hour],
  ['30', undefined],
  ['', undefined],
  ['m', undefined],
  ['-5m', undefined],
  ['5 minutes', undefined],
  ['1h x', undefined],
  ['1e3s', undefined],
] as const) {
  test(`durations: "${text}" is ${expected ?? 'none'}`, (t) => {
    t.is(parseDuration(text), expected)
  })
}

test('durations: what is written is read again', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e12 }), (ms) => {
      t.is(parseDuration(formatDuration(ms)), ms)
    }),
  )
})

for (const [text, expected] of [
  ['10GiB', 10 * 2 ** 30],
  ['500 MB', 500e6],
  ['1.5k', 1536],
  ['2T', 2 * 2 ** 40],
  ['0', 0],
  ['1073741824', 2 ** 30],
  ['10GB ', 10e9],
  ['', undefined],
  ['GiB', undefined],
  ['-1', undefined],
  ['10 GiBs', undefined],
  ['1e9', undefined],
  ['99999999TiB', undefined],
] as const) {
  test(`sizes: "${text}" is ${expected ?? 'none'}`, (t) => {
    t.is(parseSize(text), expected)
  })
}

test('sizes: people read three digits', (t) => {
  const sizes = [0, 1023, 1536, 10 * 2 ** 30, 123_456_789]
  t.deepEqual(sizes.map(formatSize), ['0 B', '1023 B', '1.5 KiB', '10 GiB', '118 MiB'])
})

for (const [text, host, isLocal] of [
  ['127.0.0.1:8000', '127.0.0.1', true],
  ['127.9.9.9:1', '127.9.9.9', true],
  ['localhost:8000', 'localhost', true],
  ['[::1]:8000', '::1', true],
  ['[::ffff:127.0.0.1]:80', '::ffff:127.0.0.1', true],
  [':8000', '', false],
  ['0.0.0.0:8000', '0.0.0.0', false],
  ['[::]:8000', '::', false],
  ['192.168.1.5:8000', '192.168.1.5', false],
  ['backup.example.org:8000', 'backup.example.org', false],
  ['localhost.example.org:8000', 'localhost.example.org', false],
] as const) {
  test(`addresses: "${text}" ${isLocal ? 'is' : 'is not'} for this machine only`, (t) => {
    const address = parseListenAddress(text)
    t.is(address?.host, host)
    t.is(address && isLoopback(address), isLocal)
    t.is(address && formatListenAddress(address), text)
  })
}

for (const text of [
  '',
  '8000',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  '::1:8000',
  '[::1:8000',
  '[::g]:8000',
  '300.1.1.1:80',
  'a b:80',
  'http://127.0.0.1:80',
  '127.0.0.1:80/x',
]) {
  test(`addresses: "${text}" is none`, (t) => {
    t.is(parseListenAddress(text), undefined)
  })
}
