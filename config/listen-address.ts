/** Knows how the addresses to listen on are written: `127.0.0.1:8000`, `[::1]:8000`, `localhost:0`, `:8000`. */
import ipaddr from 'ipaddr.js'

export interface ListenAddress {
  /** An address or a name; empty for every address of this machine. */
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

const namePattern = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/

/** Undefined where it is no such address. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim())
  if (match === null) return undefined
  const [, bracketed, bare = '', digits = ''] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (bracketed !== undefined) {
    return ipaddr.IPv6.isValid(bracketed) ? { host: bracketed, port } : undefined
  }
  if (bare === '' || ipaddr.IPv4.isValidFourPartDecimal(bare)) return { host: bare, port }
  // What looks like a number is an address that was mistyped, not a name.
  if (/^[\d.]+$/.test(bare)) return undefined
  return namePattern.test(bare) ? { host: bare, port } : undefined
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether only programs on this machine can reach it. A name other than `localhost` may mean anything. */
export function isLoopback({ host }: ListenAddress): boolean {
  if (host.toLowerCase() === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}
