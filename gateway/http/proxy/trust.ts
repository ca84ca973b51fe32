/** Knows which addresses are proxies that may say who is behind them. */
import ipaddr from 'ipaddr.js'
import type { TrustedRange } from '../../../config/trusted-range.js'

/**
 * Whether a connection comes from a proxy that may be believed. Peers of a Unix socket have no address: who may open
 * the socket is decided by its mode, and a proxy there is trusted where any range is.
 */
export function isTrusted(
  address: string | undefined,
  ranges: readonly TrustedRange[],
): boolean {
  if (ranges.length === 0) return false
  if (address === undefined) return true
  if (!ipaddr.isValid(address)) return false
  const peer = ipaddr.process(address)
  return ranges.some(([range, bits]) => {
    return range.kind() === peer.kind() && peer.match(range, bits)
  })
}

/** The address in its usual form, an IPv4 one without the mapping that a dual-stack socket gives it. */
export function plainAddress(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
}

/**
 * The client's address by X-Forwarded-For: the last one that is no trusted proxy, read from the right, since whatever
 * stands left of it was sent by somebody who is not trusted. Undefined where the header says nothing usable.
 */
export function forwardedFor(
  header: string | string[] | undefined,
  ranges: readonly TrustedRange[],
): string | undefined {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  const hops = text.split(',').map((hop) => hop.trim())
  for (const hop of hops.reverse()) {
    const bare = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^([\d.]+):\d+$/, '$1')
    if (!ipaddr.isValid(bare)) return undefined
    if (!isTrusted(bare, ranges)) return plainAddress(bare)
  }
  return undefined
}
