/** Random inputs for the HTTP door: right requests, twisted ones, and bytes that are no requests at all. */
import { createHash } from 'node:crypto'
import { listedTypes } from '../../fencing/object.js'

export interface Input {
  readonly bytes: Buffer
  /** A GET of a list, wherever it leads: it must never be answered 404. */
  readonly isList: boolean
  /** The client goes away without waiting; otherwise the request is whole or surely junk. */
  readonly leaves: boolean
}

export type Draw = (below: number) => number

/** The same numbers for the same seed (mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const folders = [
  'repo',
  'a',
  'caf%C3%A9',
  '..',
  '%2e%2e',
  '.',
  '',
  '.lockkeeper',
  '%2Elockkeeper',
]
const oddFolders = [
  '..%2f..',
  '%00',
  '%5c',
  '%zz',
  '%ff',
  '-',
  'keys',
  'x'.repeat(300),
  '%2f',
  '\xff',
]
const tags = ['', '', '', '/-/w/tag', '/-/w/%2e%2e', '/-/x/y', '/-']
const methods = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'POST',
  'DELETE',
  'PUT',
  'OPTIONS',
  'PROPFIND',
]
const ranges = ['0-', '0-0', '-1', '-0', '5-2', '0-1,3-4', '9'.repeat(25), 'x', '', '-']
const oddHeaders = [
  'X-Forwarded-For: 1.2.3.4',
  'Via: 1.1 x',
  'Content-Type: ;;;',
  'Expect: 100-continue',
]
const moreHeaders = [
  'Connection: close',
  'Upgrade: h2c',
  'Expect: x',
  'If-Range: "x"',
  'Cookie: \xff',
]

export function drawInput(draw: Draw): Input {
  const pick = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  if (draw(12) === 0) return { bytes: junk(draw), isList: false, leaves: draw(2) === 0 }
  const content = `content ${draw(20)}`
  const digest = createHash('sha256').update(content).digest('hex')
  const names = [...folders, ...(draw(3) === 0 ? oddFolders : [])]
  const path = Array.from({ length: draw(4) }, () => `/${pick(names)}`).join('')
  const type = pick(listedTypes)
  const ends = [
    '/',
    '/config',
    `/${type}/`,
    `/${type}/`,
    `/${type}/${digest}`,
    `/${type}/${digest}`,
  ]
  const oddEnds = ['?create=true', '/?create=true', `/${type}/${digest}x`, `/${type}`, '', '/%']
  const end = draw(4) === 0 ? pick(oddEnds) : pick(ends)
  const method = pick(methods)
  const tag = pick(tags)
  const headers = [
    ...(draw(20) === 0 ? [] : ['Host: g']),
    ...(draw(3) === 0 ? [`Range: bytes=${pick(ranges)}`] : []),
    ...(draw(5) === 0 ? [pick([...oddHeaders, ...moreHeaders])] : []),
    ...(draw(40) === 0 ? [`X: ${'x'.repeat(20_000)}`] : []),
  ]
  const leaves = draw(6) === 0
  const sent =
    method === 'POST' ? content.slice(0, leaves ? draw(content.length) : undefined) : ''
  const length = method === 'POST' ? [`Content-Length: ${content.length}`] : []
  const one = [`${method} ${tag}${path}${end} HTTP/1.1`, ...headers, ...length, '', sent].join(
    '\r\n',
  )
  const isPipelined = draw(10) === 0
  const isList =
    method === 'GET' && end === `/${type}/` && !tag.startsWith('/-/w') && tag !== '/-'
  return { bytes: Buffer.from(isPipelined ? one.repeat(3) : one, 'latin1'), isList, leaves }
}

/** A first byte that begins no method, so that nobody waits for the rest. */
function junk(draw: Draw): Buffer {
  const bytes = Buffer.from(Array.from({ length: 1 + draw(200) }, () => draw(256)))
  bytes[0] = draw(32)
  return bytes
}
