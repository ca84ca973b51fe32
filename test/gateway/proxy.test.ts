/** Who a proxy may speak for, and the PROXY protocol's header in all its forms. */
import test from 'ava'
import fc from 'fast-check'
import {
  V1ProxyProtocol,
  V2ProxyProtocol,
  INETProtocol,
  Peer,
  Command,
} from 'proxy-protocol-js'
import { IPv4Address, IPv4ProxyAddress, TransportProtocol } from 'proxy-protocol-js'
import { readProxyHeader } from '../../gateway/http/proxy/proxy-header.js'
import { parseTrustedRange, type TrustedRange } from '../../config/trusted-range.js'
import { forwardedFor, isTrusted } from '../../gateway/http/proxy/trust.js'

const ranges = (...texts: string[]): TrustedRange[] =>
  texts.map((text) => {
    const range = parseTrustedRange(text)
    if (range === undefined) throw new Error(`${text} is no range`)
    return range
  })

const v1 = (source: string): Buffer =>
  Buffer.from(
    new V1ProxyProtocol(
      INETProtocol.TCP4,
      new Peer(source, 1234),
      new Peer('127.0.0.1', 80),
    ).build(),
  )

const v2 = (command: Command): Buffer =>
  Buffer.from(
    new V2ProxyProtocol(
      command,
      TransportProtocol.STREAM,
      new IPv4ProxyAddress(
        IPv4Address.createFrom([192, 0, 2, 7]),
        4711,
        IPv4Address.createFrom([127, 0, 0, 1]),
        80,
      ),
    ).build(),
  )

test('ranges and single addresses of both families are trusted, v4-mapped ones as what they are', (t) => {
  const trusted = ranges('127.0.0.0/8', '2001:db8::/32', '192.0.2.1')
  for (const address of ['127.0.0.1', '::ffff:127.3.2.1', '2001:db8::7', '192.0.2.1'])
    t.true(isTrusted(address, trusted), address)
  for (const address of ['128.0.0.1', '192.0.2.2', '::1', 'junk', ''])
    t.false(isTrusted(address, trusted), address)
  t.false(isTrusted('127.0.0.1', []), 'nobody is trusted by default')
  for (const junk of ['', '300.0.0.1', '10.0.0.0/33', 'example'])
    t.is(parseTrustedRange(junk), undefined, junk)
})

test('X-Forwarded-For is read from the right, up to the first that is no proxy', (t) => {
  const trusted = ranges('10.0.0.0/8')
  t.is(forwardedFor('198.51.100.7, 10.0.0.2', trusted), '198.51.100.7')
  t.is(
    forwardedFor('203.0.113.9, 198.51.100.7', trusted),
    '198.51.100.7',
    'what is left of it is hearsay',
  )
  t.is(forwardedFor(['203.0.113.9', '198.51.100.7'], trusted), '198.51.100.7')
  t.is(forwardedFor('[2001:db8::1]:443', trusted), '2001:db8::1')
  t.is(forwardedFor('198.51.100.7:5000', trusted), '198.51.100.7')
  for (const useless of [undefined, '', 'unknown', '198.51.100.7, junk', '10.0.0.3'])
    t.is(forwardedFor(useless, trusted), undefined, useless)
})

test('version 1: an address, UNKNOWN, and what is neither', (t) => {
  const head = v1('192.0.2.1')
  const read = readProxyHeader(Buffer.concat([head, Buffer.from('GET / HTTP/1.1\r\n')]))
  t.deepEqual(read, {
    kind: 'complete',
    bytes: head.length,
    source: { address: '192.0.2.1', port: 1234 },
  })
  t.deepEqual(readProxyHeader(Buffer.from('PROXY UNKNOWN\r\n')), {
    kind: 'complete',
    bytes: 15,
  })
  t.is(readProxyHeader(Buffer.from('GET / HTTP/1.1\r\n')).kind, 'invalid')
  t.is(readProxyHeader(v1('junk')).kind, 'invalid')
  t.is(readProxyHeader(Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)).kind, 'invalid')
})

test('version 2: an address, LOCAL, and a header that is too long', (t) => {
  t.deepEqual(readProxyHeader(v2(Command.PROXY)), {
    kind: 'complete',
    bytes: 28,
    source: { address: '192.0.2.7', port: 4711 },
  })
  t.deepEqual(readProxyHeader(v2(Command.LOCAL)), { kind: 'complete', bytes: 28 })
  const long = v2(Command.PROXY)
  long.writeUInt16BE(60_000, 14)
  t.is(readProxyHeader(long).kind, 'invalid')
  const version = v2(Command.PROXY)
  version[12] = 0x31
  t.is(readProxyHeader(version).kind, 'invalid')
})

test('every beginning of a header is incomplete, and nothing else than a header is complete', (t) => {
  for (const whole of [v1('192.0.2.1'), v2(Command.PROXY)])
    for (let length = 0; length < whole.length; length += 1)
      t.is(readProxyHeader(whole.subarray(0, length)).kind, 'incomplete')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const read = readProxyHeader(Buffer.from(bytes))
      return read.kind !== 'complete'
    }),
  )
})
