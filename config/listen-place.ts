/** Knows all kinds of places to listen at: `HOST:PORT`, `unix:/path`, a socket of systemd's, an inherited one. */
import {
  formatListenAddress,
  isLoopback,
  parseListenAddress,
  type ListenAddress,
} from './listen-address.js'

export type ListenPlace =
  | { readonly kind: 'address'; readonly address: ListenAddress }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }
  /** Every socket that systemd has opened for this process, or those of one name (FileDescriptorName=). */
  | { readonly kind: 'systemd'; readonly name?: string }

/** Of a Unix socket's path: what the kernel takes. */
const pathBytesMax = 107

/** Undefined where it is no such place. */
export function parseListenPlace(text: string): ListenPlace | undefined {
  const trimmed = text.trim()
  const [, kind = '', rest = ''] = /^(unix|fd|systemd)(?::(.*))?$/.exec(trimmed) ?? []
  switch (kind) {
    case 'unix': {
      const isPath = rest.startsWith('/') && Buffer.byteLength(rest) <= pathBytesMax
      return isPath ? { kind, path: rest } : undefined
    }
    case 'fd': {
      const fd = /^\d{1,4}$/.test(rest) ? Number(rest) : 0
      return fd >= 3 ? { kind, fd } : undefined
    }
    case 'systemd':
      return trimmed === kind ? { kind } : rest === '' ? undefined : { kind, name: rest }
    default: {
      const address = parseListenAddress(trimmed)
      return address && { kind: 'address', address }
    }
  }
}

export function formatListenPlace(place: ListenPlace): string {
  switch (place.kind) {
    case 'address':
      return formatListenAddress(place.address)
    case 'unix':
      return `unix:${place.path}`
    case 'fd':
      return `fd:${place.fd}`
    case 'systemd':
      return place.name === undefined ? 'systemd' : `systemd:${place.name}`
  }
}

/** Whether only programs on this machine can come in. Of a socket that somebody else opened nobody knows. */
export function isLocal(place: ListenPlace): boolean {
  switch (place.kind) {
    case 'address':
      return isLoopback(place.address)
    case 'unix':
      return true
    case 'fd':
    case 'systemd':
      return false
  }
}
