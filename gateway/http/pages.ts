/**
 * Decides whether a page of another site has made a browser send a request. Whoever may use the gateway from this machine
 * may have a browser open, and a page in it can send what it likes, under a name of its own that leads here (DNS
 * rebinding) too.
 */
import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import type { Told } from './answer.js'

const ofAnotherSite: Told = {
  status: 403,
  sentence: 'A page of another site in a browser sent this request; it is not carried out.',
}

/** Undefined where the request may go on. */
export function refusalOfPage(
  request: Pick<IncomingMessage, 'headers' | 'method'>,
  isFromProxy: boolean,
  /** Names in lower case that lead here; undefined where any may, since people are asked who they are. */
  names: readonly string[] | undefined,
): Told | undefined {
  const { headers } = request
  const host = headers.host ?? pseudoHost(headers)
  // A proxy answers for the names that lead to it.
  if (names !== undefined && !isFromProxy && host !== undefined && !isOwn(host, names))
    return unknownName(host)
  return isOfAnotherSite(request, isFromProxy, host) ? ofAnotherSite : undefined
}

/** Browsers say it themselves, and no page can keep them from it; older ones name the page's origin only. */
function isOfAnotherSite(
  { headers, method }: Pick<IncomingMessage, 'headers' | 'method'>,
  isFromProxy: boolean,
  host: string | undefined,
): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return false
  if (site !== undefined) {
    // A link that somebody followed.
    const isLink = headers['sec-fetch-mode'] === 'navigate' && method === 'GET'
    return !isLink || headers.origin !== undefined
  }
  const { origin } = headers
  if (origin === undefined) return false
  const forwarded = isFromProxy ? headers['x-forwarded-host'] : undefined
  const hosts = [host, ...(typeof forwarded === 'string' ? [forwarded] : [])]
  return !hosts.some((each) => each !== undefined && isOriginOf(origin, each))
}

function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: ofOrigin } = new URL(origin)
  const own = `${protocol}//${host}`
  return ofOrigin !== '' && URL.canParse(own) && new URL(own).host === ofOrigin
}

/** No name can be made to lead here later that is an address already. */
function isOwn(host: string, names: readonly string[]): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
  if (ipaddr.isValid(name) || name === 'localhost' || name.endsWith('.localhost')) return true
  return names.includes(name)
}

function unknownName(host: string): Told {
  const name = /^[A-Za-z0-9.:_-]{1,80}$/.test(host) ? `"${host}"` : 'That'
  const sentence = `${name} is no name of this gateway, which asks nobody who it is: name it with --allowed-host, or use 127.0.0.1.`
  return { status: 403, sentence }
}

function pseudoHost(headers: IncomingMessage['headers']): string | undefined {
  const authority = headers[':authority']
  return typeof authority === 'string' ? authority : undefined
}
