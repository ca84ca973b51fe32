/** Knows how the addresses of proxies are written: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
import ipaddr from 'ipaddr.js'

/** A CIDR range, or a single address. */
export type TrustedRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/** Undefined for what is neither an address nor a CIDR range. */
export function parseTrustedRange(text: string): TrustedRange | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
