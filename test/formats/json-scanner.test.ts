/** Checks the cursor over JSON against JSON.parse, and what it does beyond. */
import test from 'ava'
import fc from 'fast-check'
import { FormatError } from '../../formats/restic/format-error.js'
import { JsonScanner } from '../../formats/restic/json-scanner.js'

const scan = (text: string | Buffer): JsonScanner =>
  new JsonScanner(Buffer.from(text as string), 'a text')

const refused = { instanceOf: FormatError, message: /^a text: / } as const

const isAccepted = (text: string): boolean => {
  try {
    const scanner = scan(text)
    scanner.skip()
    scanner.end()
    return true
  } catch (error) {
    if (error instanceof FormatError) return false
    throw error
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('every string reads as JSON.parse reads it', (t) => {
  const escapes = fc.constantFrom('\\n', '\\u0041', '\\ud83d\\ude00', '\\u00e9', '\\/', '\\"')
  const content = fc
    .array(
      fc.oneof(
        escapes,
        fc.string({ unit: 'grapheme' }).map((each) => JSON.stringify(each).slice(1, -1)),
      ),
    )
    .map((parts) => `"${parts.join('')}"`)
  fc.assert(
    fc.property(content, (text) => {
      t.is(scan(text).text(), JSON.parse(text) as string)
    }),
  )
})

test('half of a surrogate pair is U+FFFD, as Go reads it', (t) => {
  t.is(scan('"a\\ud83dz"').text(), 'a\ufffdz')
  t.is(scan('"\\ude00"').text(), '\ufffd')
  t.is(scan('"\\ud83d\\u0041"').text(), '\ufffdA')
  t.is(scan('"\\ud83d\\ud83d\\ude00"').text(), '\ufffd\u{1f600}')
})

test('what JSON.parse takes is passed, and nothing else', (t) => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5 }),
      fc.nat(),
      fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '0', '-', '.', 'e', 'u', '\\', ' '),
      (text, at, extra) => {
        t.true(isAccepted(text))
        const place = at % (text.length + 1)
        const changed = text.slice(0, place) + extra + text.slice(place)
        const cut = text.slice(0, place)
        t.is(isAccepted(changed), isJson(changed), changed)
        t.is(isAccepted(cut), isJson(cut), cut)
      },
    ),
    { numRuns: 2000 },
  )
})

test('integers of 64 bits are exact', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      t.is(scan(`${value}`).uint64(), value)
      t.is(scan(` ${value} `).uint64(), value)
    }),
  )
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      t.is(scan(`${value}`).int64(), value)
    }),
  )
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 32 - 1 }), (value) => {
      t.is(scan(`${value}`).uint32(), value)
    }),
  )
})

test('a number that is too large, or no whole one, is refused', (t) => {
  for (const text of [
    '18446744073709551616',
    '-1',
    '1.0',
    '1e3',
    '01',
    '',
    '"1"',
    '9'.repeat(99),
  ]) {
    t.throws(() => scan(text).uint64(), refused, text)
  }
  for (const text of ['4294967296', '-1', '0.5', '1E2', '00', '99999999999999999999']) {
    t.throws(() => scan(text).uint32(), refused, text)
  }
  for (const text of ['9223372036854775808', '-9223372036854775809', '--1', '-']) {
    t.throws(() => scan(text).int64(), refused, text)
  }
})

test('nesting has a bound', (t) => {
  t.notThrows(() => scan('['.repeat(30) + ']'.repeat(30)).skip())
  t.throws(() => scan('['.repeat(100_000)).skip(), { ...refused, message: /nested/ })
  t.throws(() => scan('{"a":'.repeat(100_000)).skip(), { ...refused, message: /nested/ })
})

test('base64, names and types are what they say, or refused', (t) => {
  t.deepEqual(scan('"AAEC"').base64(), Buffer.of(0, 1, 2))
  t.is(scan('null').base64().length, 0)
  for (const text of ['"A"', '"AAEC="', '"AA-C"', '"AB=="', '7']) {
    t.throws(() => scan(text).base64(), refused, text)
  }
  t.is(String(scan(`"${'0a'.repeat(32)}"`).id()), '0a'.repeat(32))
  for (const text of [
    `"${'0A'.repeat(32)}"`,
    '"00"',
    `"${'0'.repeat(65)}"`,
    `"${'0'.repeat(63)}"`,
  ]) {
    t.throws(() => scan(text).id(), refused, text)
    t.throws(() => scan(text).copyId(Buffer.alloc(32), 0), { instanceOf: FormatError }, text)
  }
  t.throws(() => scan('"a"').array(() => undefined), refused)
  t.throws(() => scan('[1]').object(() => undefined), refused)
  t.throws(() => scan(Buffer.of(0x22, 0xff, 0x22)).requireUtf8(), refused)
})
