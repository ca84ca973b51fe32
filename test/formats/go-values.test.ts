/** Checks names, times and modes as Go writes them. */
import test from 'ava'
import fc from 'fast-check'
import { FormatError } from '../../formats/restic/format-error.js'
import {
  goMode,
  parseTime,
  unixPermissions,
  unquote,
  zoneMinutesOf,
} from '../../formats/restic/go-values.js'
import { isPlainName } from '../../formats/restic/node.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** strconv.Quote of bytes, without quotes: what is no printable ASCII as a byte or a code point, by chance. */
const quoted = (name: Buffer): string =>
  [...name]
    .map((byte) => {
      if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`
      if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte)
      if (byte === 10) return '\\n'
      return byte % 2 === 0
        ? `\\x${byte.toString(16).padStart(2, '0')}`
        : `\\${byte.toString(8).padStart(3, '0')}`
    })
    .join('')

test('a quoted name is the bytes that it was made of', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (array) => {
      const name = Buffer.from(array)
      t.deepEqual(unquote(bytes(quoted(name))), name)
    }),
  )
  t.is(unquote(bytes('\\a\\b\\f\\n\\r\\t\\v\\\\\\"')).toString('latin1'), '\x07\b\f\n\r\t\v\\"')
  t.is(unquote(bytes('\\u00e9\\U0001f600')).toString(), 'é\u{1f600}')
  t.is(unquote(Buffer.from('plain é')).toString(), 'plain é')
})

test('what Go would not unquote is refused', (t) => {
  for (const text of [
    '"',
    'a"b',
    '\\',
    '\\q',
    "\\'",
    '\\x4',
    '\\xgg',
    '\\400',
    '\\18',
    '\\ud800',
    '\\U00110000',
    'a\nb',
    '\\t"',
  ]) {
    t.throws(() => unquote(bytes(text)), { instanceOf: FormatError }, text)
  }
})

test('a time is exact to the nanosecond, in every zone', (t) => {
  t.is(parseTime('1970-01-01T00:00:00Z'), 0n)
  t.is(parseTime('1969-12-31T23:59:59.999999999Z'), -1n)
  t.is(parseTime('2026-11-30T23:50:20.123456789+05:30'), 1_796_062_820_123_456_789n)
  t.is(parseTime('0001-01-01T00:00:00Z'), -62_135_596_800_000_000_000n)
  t.is(parseTime('9999-12-31T23:59:59.5Z'), 253_402_300_799_500_000_000n)
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }),
      fc.nat({ max: 999_999 }),
      (date, below) => {
        const text = date.toISOString().replace('Z', `${String(below).padStart(6, '0')}Z`)
        t.is(parseTime(text), BigInt(date.getTime()) * 1_000_000n + BigInt(below))
        const east = text.replace('Z', '+02:00')
        t.is(parseTime(text) - parseTime(east), 7_200_000_000_000n)
      },
    ),
  )
  t.is(zoneMinutesOf('2026-01-01T00:00:00-03:30'), -210)
  t.is(zoneMinutesOf('2026-01-01T00:00:00Z'), 0)
})

test('a time that no clock shows is refused', (t) => {
  for (const text of [
    '',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '20260101T000000Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
  ]) {
    t.throws(() => parseTime(text), { instanceOf: FormatError }, text)
  }
  t.notThrows(() => parseTime('2024-02-29T00:00:00Z'))
})

test("the permissions of Go's mode are those of Unix", (t) => {
  t.is(unixPermissions((goMode.dir | goMode.sticky | 0o777) >>> 0), 0o1777)
  t.is(unixPermissions(goMode.setuid | goMode.setgid | 0o755), 0o6755)
  t.is(unixPermissions(0o600), 0o600)
})

test('a name that leads out of its folder is not plain', (t) => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0b'])
    t.false(isPlainName(bytes(name)), name)
  for (const name of ['a', '...', '..a', '.a', '\xff', ' '])
    t.true(isPlainName(bytes(name)), name)
})
