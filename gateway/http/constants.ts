/** Puts what a client sends with every request of one process into one short text, by which processes are told apart. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** By the text itself: clients are few, and requests many. */
const known = new Map<string, string>()
const knownMax = 1_000

/**
 * Tag and user aside: the door, Host, the version of HTTP, User-Agent, and whether a login is sent (docs/RESTIC.md section
 * 9). Twelve hex digits; the text stands in the journal and must not give away what a header holds.
 */
export function constantsOf(
  door: string,
  { headers, httpVersionMajor }: IncomingMessage,
): string {
  const host = headers.host ?? String(headers[':authority'] ?? '')
  const hasLogin = headers.authorization !== undefined
  const text = [door, host, httpVersionMajor, headers['user-agent'] ?? '', hasLogin].join('\n')
  const earlier = known.get(text)
  if (earlier !== undefined) return earlier
  const made = createHash('sha256').update(text).digest('hex').slice(0, 12)
  if (known.size >= knownMax) known.clear()
  known.set(text, made)
  return made
}

/** Whether a living client keeps the connection open for 90 s after this request, as restic does. */
export function staysOpenAfter({ headers, httpVersion }: IncomingMessage): boolean {
  if (httpVersion === '1.0') return false
  return headers.connection?.toLowerCase().includes('close') !== true
}
