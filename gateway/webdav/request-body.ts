/** Knows how to take the small bodies of requests: XML within bounds, or none at all. */
import type { Exchange } from '../http/exchange.js'
import type { Told } from '../http/answer.js'
import { parseXml, XmlError, type XmlElement } from './xml-reading.js'

const xmlBytesMax = 1024 * 1024

export type XmlBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'xml'; readonly root: XmlElement }
  | { readonly kind: 'bad'; readonly told: Told }

/** Reads the body to its end, whatever is in it. */
export async function readXml(exchange: Exchange): Promise<XmlBody> {
  const body = await exchange.wholeBody(xmlBytesMax)
  if (body.kind !== 'whole') {
    await exchange.body.drain()
    return body.kind === 'too-long'
      ? bad(413, 'The XML is longer than 1 MiB.')
      : bad(503, 'Too many bodies are being received (--max-buffered-bodies). Try again.')
  }
  if (body.bytes.length === 0) return { kind: 'none' }
  const text = decode(body.bytes)
  if (text === undefined) return bad(400, 'The XML is not UTF-8.')
  try {
    return { kind: 'xml', root: parseXml(text) }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    return bad(400, 'The body is not well-formed XML.')
  }
}

/** Reads and drops a body that has no meaning; answers whether there was one. */
export async function dropBody(exchange: Exchange): Promise<boolean> {
  let hasBody = false
  for await (const chunk of exchange.body.chunks) {
    if (chunk.length > 0) hasBody = true
    if (hasBody) break
  }
  await exchange.body.drain()
  return hasBody
}

function bad(status: number, sentence: string): XmlBody {
  return { kind: 'bad', told: { status, sentence } }
}

/** UTF-8, or UTF-16 where a byte order mark says so (XML 1.0, appendix F). */
function decode(bytes: Buffer): string | undefined {
  const mark = bytes.subarray(0, 2).toString('hex')
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
