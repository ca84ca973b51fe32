/** Knows how a writer tag is put into the address of a repository. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

const hostCharactersMax = 40

/** Names the machine, for whoever reads `lockkeeper status`; the rest makes it this run's alone. */
export function freshTag(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9._~-]/g, '-')
    .slice(0, hostCharactersMax)
  return `${host === '' ? 'run' : host}-${randomBytes(6).toString('hex')}`
}

/**
 * Puts `/-/w/TAG` before the path of a `rest:` address, in the place of a tag that is there. Undefined where it is no
 * address of a REST server.
 */
export function tagAddress(address: string, tag: string): string | undefined {
  const match =
    /^rest:(?:https?:\/\/[^/?#]+|http\+unix:\/\/[^:]+(?=:\/|:?$))/i.exec(address)?.[0] ??
    undefined
  if (match === undefined) return undefined
  const isSocket = /^rest:http\+unix:/i.test(match)
  // After the path of a socket comes a colon, and then the path of the repository.
  const rest = address.slice(match.length).replace(/^:/, '')
  const path = rest.replace(/^\/-\/w\/[^/]*(?=\/|$)/, '')
  const before = isSocket ? `${match}:` : match
  return `${before}/-/w/${tag}${path === '' ? '/' : path}`
}
