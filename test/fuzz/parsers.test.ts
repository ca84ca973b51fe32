/**
 * Fuzzes what the gateway reads besides HTTP: password files, settings, PROXY headers and journal records. FUZZ_SEED and
 * FUZZ_COUNT choose the inputs, as in http.test.ts.
 */
import test from 'ava'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../config/duration.js'
import { formatListenAddress, parseListenAddress } from '../../config/listen-address.js'
import { loadGatewaySettings } from '../../config/gateway-settings.js'
import { SettingsError } from '../../config/settings-error.js'
import { variableOf } from '../../config/option.js'
import { serveOptions } from '../../config/schema.js'
import { formatSize, parseSize } from '../../config/size.js'
import { parseEvent } from '../../fencing/journal/event.js'
import { basicCredentials } from '../../gateway/http/authentication/authenticator.js'
import { parsePasswords } from '../../gateway/http/authentication/password-file.js'
import { readProxyHeader } from '../../gateway/http/proxy/proxy-header.js'

const settings = {
  seed: Number(process.env.FUZZ_SEED ?? 1),
  numRuns: Number(process.env.FUZZ_COUNT ?? 2000),
}
const check = <T>(property: fc.IProperty<T>): void => fc.assert(property, settings)

/** Bytes that look right at the beginning reach further than random ones. */
const after = (...beginnings: readonly (string | Buffer)[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 300 }))
    .map(([beginning, rest]) => Buffer.concat([Buffer.from(beginning as string), rest]))

/** Words of a language between random ones. */
const wordsOf = (...words: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })), { maxLength: 12 })
    .map((parts) => parts.join(''))

const bcrypt = `$2y$10$${'a'.repeat(53)}`

test('a password file never names a user without a hash, and never tells a hash', (t) => {
  const text = wordsOf('alice', ':', '\n', '\r\n', '#', '{SHA}', bcrypt, ' ', '\0', '\u2028')
  check(
    fc.property(text, (written) => {
      const { entries, problems } = parsePasswords(written)
      for (const [user, hash] of entries) {
        if (user === '' || /[\s:]/.test(user)) throw new Error(`a user called "${user}"`)
        if (!/^(\$2[aby]\$\d\d\$.{53}|\{SHA\}.*)$/su.test(hash)) throw new Error(hash)
      }
      return problems.every((problem) => !problem.includes(bcrypt))
    }),
  )
  t.pass()
})

test('credentials have a user, or are none', (t) => {
  const header = wordsOf('Basic', ' ', 'YWxpY2U6c2VjcmV0', '=', 'Og==', 'basic ')
  check(
    fc.property(header, (written) => {
      const credentials = basicCredentials(written)
      return (
        credentials === undefined || (credentials.user !== '' && !/:/.test(credentials.user))
      )
    }),
  )
  t.pass()
})

test('settings are right, or every problem is named', (t) => {
  const value = fc.oneof(
    wordsOf('30m', '14d', '10GiB', '[::1]:80', ':', '8000', 'true', 'no', '-', 'info', '1e9'),
    fc.boolean(),
    fc.string(),
  )
  const keys = Object.keys(serveOptions)
  const flag = fc.constantFrom(...keys)
  const variable = fc.constantFrom(...keys.map(variableOf))
  check(
    fc.property(
      fc.dictionary(flag, value),
      fc.dictionary(variable, fc.string()),
      (flags, environment) => {
        try {
          const { settings: loaded } = loadGatewaySettings({ flags, environment })
          return loaded.lockTimeout >= 0 && loaded.quarantineMaxSize >= 0
        } catch (error) {
          if (!(error instanceof SettingsError)) throw error
          return error.problems.length > 0 && error.problems.every((one) => one !== '')
        }
      },
    ),
  )
  t.pass()
})

test('lengths, sizes and addresses read what they write', (t) => {
  const written = wordsOf(
    '1',
    '30',
    'm',
    'h',
    'd',
    'MiB',
    'GiB',
    '.',
    '-',
    '::1',
    '[',
    ']',
    ':',
  )
  check(
    fc.property(written, (text) => {
      const duration = parseDuration(text)
      const size = parseSize(text)
      const address = parseListenAddress(text)
      const isSafe = [duration, size].every(
        (value) => value === undefined || (Number.isSafeInteger(value) && value >= 0),
      )
      if (duration !== undefined) formatDuration(duration)
      if (size !== undefined) formatSize(size)
      if (address === undefined) return isSafe
      const again = parseListenAddress(formatListenAddress(address))
      return isSafe && again?.port === address.port && again.host === address.host
    }),
  )
  t.pass()
})

const v2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
const v2Head = (...rest: readonly number[]): Buffer => Buffer.concat([v2, Buffer.from(rest)])

test('a PROXY header is read within its bytes, and asks for more only while it may be one', (t) => {
  const heads = after(
    'PROXY ',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP6 ::1 ::2 65535 0\r\n',
    'PROXY UNKNOWN ',
    '',
    v2,
    v2Head(0x21, 0x11, 0, 12),
    v2Head(0x21, 0x21, 0, 36),
    v2Head(0x20, 0x00, 0, 0),
    v2Head(0x21, 0x31, 0, 216),
  )
  check(
    fc.property(heads, (head) => {
      const read = readProxyHeader(head)
      switch (read.kind) {
        case 'invalid':
          return true
        case 'incomplete':
          return head.length < 4096 + 16
        case 'complete':
          return read.bytes > 0 && read.bytes <= head.length
      }
    }),
  )
  t.pass()
})

test('a record of the journal is an event of a known kind, nothing, or no JSON', (t) => {
  const kinds = fc.constantFrom('adopted', 'committed', 'deleted', 'toString', '__proto__', '')
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.record({ kind: fc.oneof(kinds, fc.jsonValue()) }).map((value) => JSON.stringify(value)),
  )
  check(
    fc.property(body, (text) => {
      try {
        const event = parseEvent(text)
        return event === undefined || /^[a-z]+$/.test(event.kind)
      } catch (error) {
        return error instanceof SyntaxError
      }
    }),
  )
  t.pass()
})
