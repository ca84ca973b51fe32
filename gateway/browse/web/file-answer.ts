/** Sends a file of a snapshot: whole, a range of it, or the word that it has not changed. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Node } from '../../../formats/restic/node.js'
import { askedRange } from '../../http/ranges.js'
import type { FileContent } from '../file-content.js'
import { sendParts } from './sending.js'
import { contentPolicy } from './style.js'
import { dateOf, nameText } from './words.js'

export interface FileAnswer {
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  readonly node: Node
  readonly content: FileContent
  /** Shown in the browser, as text or as a picture, rather than downloaded. */
  readonly isViewed: boolean
}

/** Pictures that can hold no script, by how they begin. */
const pictures: readonly (readonly [string, Buffer])[] = [
  ['image/png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
  ['image/jpeg', Buffer.from('\xff\xd8\xff', 'latin1')],
  ['image/gif', Buffer.from('GIF8')],
  ['image/webp', Buffer.from('RIFF')],
]

/** Answers how many bytes went out. */
export async function sendFile(call: FileAnswer): Promise<number> {
  const { request, answer, node, content, isViewed } = call
  const { size } = content
  const etag = `"${createHash('sha256').update(node.content).digest('hex').slice(0, 32)}"`
  answer.setHeader('etag', etag)
  answer.setHeader('accept-ranges', 'bytes')
  answer.setHeader('content-security-policy', contentPolicy)
  const modified = dateOf(node.modified)
  if (modified !== undefined) answer.setHeader('last-modified', modified.toUTCString())
  if (isAmong(request.headers['if-none-match'], etag)) return answerEmpty(answer, 304)
  const ifRange = request.headers['if-range']
  const isStill = ifRange === undefined || ifRange === etag
  const asked = askedRange(isStill ? request.headers.range : undefined, size)
  if (asked === 'unsatisfiable') {
    answer.setHeader('content-range', `bytes */${size}`)
    return answerEmpty(answer, 416)
  }
  const { start, end } = asked === 'whole' ? { start: 0, end: size - 1 } : asked
  if (isViewed) answer.setHeader('content-type', await viewedType(content))
  else {
    answer.setHeader('content-type', 'application/octet-stream')
    setAttachment(answer, node.name)
  }
  if (asked !== 'whole') answer.setHeader('content-range', `bytes ${start}-${end}/${size}`)
  answer.setHeader('content-length', end - start + 1)
  answer.statusCode = asked === 'whole' ? 200 : 206
  if (request.method === 'HEAD') {
    answer.end()
    return 0
  }
  return sendParts(answer, content.read(start, end + 1))
}

function answerEmpty(answer: ServerResponse, status: number): number {
  answer.statusCode = status
  answer.end()
  return 0
}

function isAmong(header: string | undefined, etag: string): boolean {
  return (
    header
      ?.split(',')
      .map((each) => each.trim().replace(/^W\//, ''))
      .some((each) => each === etag || each === '*') === true
  )
}

/** Whatever is no known picture is shown as text, which runs nothing. */
async function viewedType(content: FileContent): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of content.read(0, Math.min(content.size, 16))) parts.push(part)
  const bytes = Buffer.concat(parts)
  const picture = pictures.find(([, beginning]) =>
    bytes.subarray(0, beginning.length).equals(beginning),
  )
  return picture?.[0] ?? 'text/plain; charset=utf-8'
}

/** The name in ASCII for old clients, and in UTF-8 (RFC 6266). */
export function setAttachment(answer: ServerResponse, name: Buffer): void {
  const text = nameText(name)
  const plain = text.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(text).replace(/['()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
  answer.setHeader(
    'content-disposition',
    `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`,
  )
}
