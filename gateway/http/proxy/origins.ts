/** Decides whom a request comes from, through a proxy or not: the client's address, and the channel that it came on. */
import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { TrustedRange } from '../../../config/trusted-range.js'
import type { Channel } from '../../../fencing/evidence/presence.js'
import type { Clock } from '../../../fencing/ports.js'
import { forwardedFor, isTrusted, plainAddress } from './trust.js'

/** A trusted proxy names the client's own connection in this header, with a name that it never uses twice. */
export const connectionHeader = 'x-connection-id'

/** A line through a proxy closes unseen, so one that was silent for longer than clients keep theirs open is over. */
const silentMs = 5 * 60_000
const channelsMax = 20_000
const connectionNamePattern = /^[\x21-\x7e]{1,128}$/

/** Any of these shows that somebody handed the request on. */
const proxyHeaders = [
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-real-ip',
  connectionHeader,
] as const

export interface Origin {
  readonly address: string
  /** The request came from a proxy that may be believed. */
  readonly isFromProxy: boolean
  /**
   * own: the connection itself is the channel. hidden: a proxy stands before it that does not say whose line this is.
   * Else the client's connection to the proxy, as that one names it.
   */
  readonly channel: 'own' | 'hidden' | Channel
}

export interface OriginsOptions {
  readonly trusted: readonly TrustedRange[]
  readonly clock: Clock
  readonly onClosed: (channelId: string, byClient: boolean) => void
}

export class Origins {
  readonly #options: OriginsOptions
  readonly #channels: LRUCache<string, Channel>

  constructor(options: OriginsOptions) {
    this.#options = options
    const { clock, onClosed } = options
    this.#channels = new LRUCache({
      // By count the library would take the room for all of them at once, on each listener.
      maxSize: channelsMax,
      sizeCalculation: () => 1,
      ttl: silentMs,
      ttlResolution: 0,
      updateAgeOnGet: true,
      perf: { now: clock.monotonic },
      // The client may be there still: a later request comes on a new channel.
      dispose: ({ id }) => onClosed(id, false),
    })
  }

  /** `peer` is who is at the other end of the connection, or whom its PROXY header names; undefined on a Unix socket. */
  of(request: IncomingMessage, peer: string | undefined, connectionId: string): Origin {
    const { trusted } = this.#options
    const own = plainAddress(peer ?? 'local')
    const { headers } = request
    const isHandedOn = proxyHeaders.some((name) => headers[name] !== undefined)
    const isFromProxy = isTrusted(peer, trusted)
    if (!isFromProxy)
      return { address: own, isFromProxy, channel: isHandedOn ? 'hidden' : 'own' }
    // A trusted address without these headers is a client on the proxy's own machine.
    if (!isHandedOn) return { address: own, isFromProxy, channel: 'own' }
    const address = forwardedFor(headers['x-forwarded-for'], trusted) ?? own
    const name = headers[connectionHeader]
    const isNamed = typeof name === 'string' && connectionNamePattern.test(name)
    const channel = isNamed
      ? this.#channel([own, address, name].join(' '), connectionId, `${address}, line ${name}`)
      : 'hidden'
    return { address, isFromProxy, channel }
  }

  #channel(key: string, connectionId: string, from: string): Channel {
    const known = this.#channels.get(key)
    if (known !== undefined) return known
    const openedAt = this.#options.clock.monotonic()
    const channel = {
      id: `${connectionId}/${this.#channels.size}/${openedAt}`,
      openedAt,
      from,
      isHidden: false,
    }
    this.#channels.set(key, channel)
    return channel
  }
}
