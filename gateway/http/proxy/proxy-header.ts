/** Knows the PROXY protocol's header, versions 1 and 2 (HAProxy, "The PROXY protocol"), at the head of a connection. */
import {
  Command,
  IPv4ProxyAddress,
  IPv6ProxyAddress,
  V1BinaryProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js'
import ipaddr from 'ipaddr.js'

export interface ProxySource {
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid' }
  /** `source` is absent where the proxy speaks for itself (LOCAL, UNKNOWN), as in its health checks. */
  | { readonly kind: 'complete'; readonly bytes: number; readonly source?: ProxySource }

const v1Prefix = Buffer.from('PROXY ')
const v1BytesMax = 107
const v2Signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
const v2FixedBytes = 16
/** Addresses and additions together; a real one has under 500 bytes. */
const v2BytesMax = 4096

export function readProxyHeader(head: Buffer): ProxyHeader {
  if (beginsLike(head, v2Signature)) return readV2(head)
  if (beginsLike(head, v1Prefix)) return readV1(head)
  return { kind: 'invalid' }
}

function beginsLike(head: Buffer, prefix: Buffer): boolean {
  const length = Math.min(head.length, prefix.length)
  return head.subarray(0, length).equals(prefix.subarray(0, length))
}

function readV1(head: Buffer): ProxyHeader {
  const end = head.subarray(0, v1BytesMax).indexOf('\r\n')
  if (end < 0) return { kind: head.length < v1BytesMax ? 'incomplete' : 'invalid' }
  const line = head.subarray(0, end + 2)
  const bytes = line.length
  if (line.toString('latin1').startsWith('PROXY UNKNOWN')) return { kind: 'complete', bytes }
  return parsed(bytes, () => {
    const { ipAddress, port } = V1BinaryProxyProtocol.parse(line).source
    return { address: ipAddress, port }
  })
}

function readV2(head: Buffer): ProxyHeader {
  if (head.length < v2FixedBytes) return { kind: 'incomplete' }
  const bytes = v2FixedBytes + head.readUInt16BE(14)
  if (bytes > v2BytesMax) return { kind: 'invalid' }
  if (head.length < bytes) return { kind: 'incomplete' }
  return parsed(bytes, () => {
    const { command, proxyAddress } = V2ProxyProtocol.parse(head.subarray(0, bytes))
    if (command === Command.LOCAL) return undefined
    // Other families (Unix sockets, none at all) say that there is no address to be had.
    const isIp =
      proxyAddress instanceof IPv4ProxyAddress || proxyAddress instanceof IPv6ProxyAddress
    if (!isIp) return undefined
    const address = ipaddr.fromByteArray([...proxyAddress.sourceAddress.address])
    return { address: address.toString(), port: proxyAddress.sourcePort }
  })
}

function parsed(bytes: number, read: () => ProxySource | undefined): ProxyHeader {
  try {
    const source = read()
    if (source === undefined) return { kind: 'complete', bytes }
    return ipaddr.isValid(source.address)
      ? { kind: 'complete', bytes, source }
      : { kind: 'invalid' }
  } catch {
    return { kind: 'invalid' }
  }
}
