/** Decides whose shares an address counts against: an IPv6 client has 2^64 addresses, so its network stands for it. */
import ipaddr from 'ipaddr.js'

export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'local'
  if (!address.includes(':') || !ipaddr.isValid(address)) return address
  const plain = ipaddr.process(address)
  if (plain.kind() === 'ipv4') return plain.toString()
  return `${plain.toByteArray().slice(0, 8).join('.')}::/64`
}
