/** Random inputs for the WebDAV door: right requests, twisted ones, and bodies that are broken off. */
import { createHash } from 'node:crypto'
import type { Draw, Input } from './http-input.js'

const methods = [
  ...['PROPFIND', 'PROPFIND', 'PROPPATCH', 'GET', 'HEAD', 'PUT', 'PUT', 'DELETE', 'MKCOL'],
  ...['COPY', 'MOVE', 'LOCK', 'UNLOCK', 'OPTIONS', 'POST', 'SEARCH', 'REPORT'],
]
const folders = ['repo', 'plain', 'a', 'b', 'caf%C3%A9', 'data', 'keys', 'x y', 'a&b<c>']
const oddParts = [
  ...['..', '%2e%2e', '.', '', '..%2f..', '%00', '%5c', '%zz', '%ff', '%', '#', '?', '%2f'],
  ...['.lockkeeper', '%2elockkeeper', 'link', 'config', 'file-1', 'x'.repeat(300), '\xff', '-'],
]
const base = '/-/dav'
const oddBases = ['/-/w/tag/-/dav', 'http://h/-/dav', '/-/w//-/dav', '/-/w/%ff/-/dav']
const depths = ['0', '1', 'infinity', '2', '-1', '', 'x', '1,noroot']
const ifs = [
  '(<urn:uuid:1>)',
  '(Not <urn:uuid:1>)',
  '(["x"])',
  '<http://h/-/dav/a> (<urn:uuid:1>)',
  '(<a> ["b"] Not ["c"]) (["d"])',
  '(',
  '<',
  '()',
  '(Not)',
  '<%ff> (["a"])',
]
const lockInfo =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
const propertyUpdate =
  '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="b">c<d/></a></D:prop></D:set>' +
  '<D:remove><D:prop><e xmlns=""/></D:prop></D:remove></D:propertyupdate>'
const rightBodies: Readonly<Record<string, readonly string[]>> = {
  PROPFIND: [
    '',
    '<propfind xmlns="DAV:"><allprop/></propfind>',
    '<propfind xmlns="DAV:"><propname/></propfind>',
    '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><x xmlns="y"/></D:prop></D:propfind>',
  ],
  PROPPATCH: [propertyUpdate],
  LOCK: [lockInfo, lockInfo.replace('exclusive', 'shared'), ''],
}
const oddBodies = [
  propertyUpdate,
  lockInfo,
  '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  '<a>'.repeat(60),
  '<a xmlns:x="y"><x:b></x:c></a>',
  '\xff\xfe<',
  'just text',
]
const oddHeaders = [
  'Content-Length: 6000000000',
  'Transfer-Encoding: chunked',
  'Content-Range: bytes 0-1/4',
  'Range: bytes=1-2',
  'Range: bytes=99999999999-',
  'If-Match: *',
  'If-None-Match: *',
  'If-Match: "x',
  'If-Unmodified-Since: yesterday',
  'I-f: (<a>)',
  'Lock-Token: <urn:uuid:1>',
  'Lock-Token: x',
  'Timeout: Second-5, Infinite',
  'Timeout: x',
  'Overwrite: F',
  'Overwrite: x',
  'Expect: 100-continue',
  'User-Agent: davfs2/1.6.1',
  'User-Agent: rclone/v1.60',
  'Translate: f',
  'Via: 1.1 x',
]

export function drawDavInput(draw: Draw): Input {
  const pick = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  const path = (): string => `${draw(8) === 0 ? pick(oddBases) : base}${drawPath(draw)}`
  const method = pick(methods)
  const body = drawBody(draw, method)
  const leaves = draw(8) === 0
  const isOdd = draw(4) === 0
  const headers = [
    'Host: g',
    ...(draw(6) === 0 ? [] : [`Depth: ${draw(4) === 0 ? pick(depths) : draw(2)}`]),
    ...(draw(6) === 0 ? [`If: ${pick(ifs)}`] : []),
    ...(method === 'COPY' || method === 'MOVE' ? [`Destination: ${path()}`] : []),
    ...(isOdd ? [pick(oddHeaders)] : []),
  ]
  const hasLength = headers.some((header) =>
    /^(content-length|transfer-encoding)/i.test(header),
  )
  if (!hasLength) headers.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`)
  const sent = leaves ? body.slice(0, draw(body.length + 1)) : body
  const text = [`${method} ${path()} HTTP/1.1`, ...headers, '', sent].join('\r\n')
  // Who says that more will come and sends no more must not wait for an answer.
  return { bytes: Buffer.from(text, 'latin1'), isList: false, leaves: leaves || hasLength }
}

function drawBody(draw: Draw, method: string): string {
  const pick = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  if (method === 'PUT') return `content ${draw(20)}`
  return draw(5) === 0 ? pick(oddBodies) : pick(rightBodies[method] ?? [''])
}

function drawPath(draw: Draw): string {
  const pick = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  const digest = createHash('sha256')
    .update(`content ${draw(20)}`)
    .digest('hex')
  const type = pick(['keys', 'locks', 'snapshots', 'index', 'data'])
  const inside = type === 'data' ? `data/${digest.slice(0, 2)}/${digest}` : `${type}/${digest}`
  const kinds = [
    '',
    '/',
    '/repo',
    '/repo/',
    `/repo/${type}/`,
    `/repo/${inside}`,
    '/repo/config',
    '/repo/file-7',
  ]
  if (draw(2) === 0) return pick(kinds)
  const names = draw(6) === 0 ? [...folders, ...oddParts] : folders
  return Array.from({ length: 1 + draw(3) }, () => `/${pick(names)}`).join('')
}
