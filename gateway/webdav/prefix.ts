/** Decides which part of an address a proxy has taken off before it handed the request on. */
import type { IncomingHttpHeaders } from 'node:http'

const prefixPattern = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+$/
const prefixCharactersMax = 256

/** `/backup`, as it is written before the addresses of answers; none where it is empty or no path. */
export function prefixOf(
  headers: IncomingHttpHeaders,
  isFromProxy: boolean,
  basePath: string,
): string {
  const header = headers['x-forwarded-prefix']
  if (!isFromProxy || typeof header !== 'string') return basePath
  return parseBasePath(header) ?? basePath
}

/** Without a slash at its end; undefined where it is no path. */
export function parseBasePath(text: string): string | undefined {
  const path = text.trim().replace(/\/+$/, '')
  if (path === '') return ''
  return path.length <= prefixCharactersMax && prefixPattern.test(path) ? path : undefined
}
