/** One HTTP/2 session as a channel: a process of restic has one, and asks many things at once on it. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Channel } from '../../fencing/evidence/presence.js'
import { describeConnection } from './describing.js'
import type { Line } from './line.js'

/** Requests that a session may have under way before somebody is let in on it, as many as restic has, and afterwards. */
export const streamsBeforeLogin = 8
const streamsMax = 100

export interface SessionChannelOptions {
  readonly session: ServerHttp2Session
  /** Whom the session comes from, by itself or by a proxy's word; undefined on a Unix socket. */
  readonly peer: string | undefined
  /** Monotonic milliseconds. */
  readonly openedAt: number
  readonly onClosed: (channelId: string, byClient: boolean) => void
}

export class SessionChannel implements Line {
  readonly #options: SessionChannelOptions
  readonly #answers = new Set<ServerResponse>()
  readonly peer: string | undefined
  #channel: Channel
  #isEnding = false
  #isAdmitted = false

  constructor(options: SessionChannelOptions) {
    this.#options = options
    const { session, peer, openedAt } = options
    this.peer = peer
    const shown = { isHidden: false, isMultiplexed: true, staysOpen: true }
    const from = describeConnection(session.socket, peer)
    this.#channel = { id: randomUUID(), openedAt, from, ...shown }
    session.once('close', () => options.onClosed(this.#channel.id, !this.#isEnding))
    // A stream's error is told to its request; the session's own end it, which `close` tells.
    session.on('error', () => undefined)
  }

  get channel(): Channel {
    return this.#channel
  }

  get traffic(): { bytesIn: number; bytesOut: number } {
    const { destroyed, socket } = this.#options.session
    if (destroyed) return { bytesIn: 0, bytesOut: 0 }
    return { bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten }
  }

  get isOver(): boolean {
    return this.#options.session.destroyed
  }

  admit(): void {
    const { session } = this.#options
    if (this.#isAdmitted || session.destroyed) return
    this.#isAdmitted = true
    session.settings({ maxConcurrentStreams: streamsMax })
  }

  hide(): void {
    if (this.#channel.isHidden) return
    this.#options.onClosed(this.#channel.id, false)
    this.#channel = { ...this.#channel, id: randomUUID(), from: 'a proxy', isHidden: true }
  }

  /** Streams are answered side by side; how many is a setting of the session. */
  takeTurn(answer: ServerResponse): Promise<void> {
    this.#answers.add(answer)
    answer.once('close', () => this.#answers.delete(answer))
    return Promise.resolve()
  }

  /** Other streams' requests may have been on their way already; a ping that comes back was sent after the answer. */
  whenDelivered(_request: IncomingMessage, answer: ServerResponse, callback: () => void): void {
    answer.once('finish', () => {
      const { session } = this.#options
      if (session.destroyed || this.#channel.isHidden) return
      session.ping((error: Error | null) => {
        if (error === null) callback()
      })
    })
  }

  endAfter(): void {
    this.#isEnding = true
    const { session } = this.#options
    if (!session.destroyed) session.close()
  }

  endWhenAnswered(): void {
    this.endAfter()
  }

  end(): void {
    this.endAfter()
  }

  destroy(): void {
    this.#isEnding = true
    this.#options.session.destroy()
  }

  settle(): void {
    if (this.isOver) this.#options.onClosed(this.#channel.id, !this.#isEnding)
  }
}
