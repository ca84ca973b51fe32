/** One TCP connection as a channel: in what order its requests are answered, and who ended it. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Channel } from '../../fencing/evidence/presence.js'
import { describeConnection } from './describing.js'
import type { Line } from './line.js'

/** A reset shows itself on reading, or on writing where the client's end was not read yet. */
const clientGoneCodes: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

export interface SocketChannelOptions {
  readonly socket: Socket
  /** Whom the connection comes from, by itself or by a proxy's word; undefined on a Unix socket. */
  readonly peer: string | undefined
  /** Monotonic milliseconds. */
  readonly openedAt: number
  readonly pipelinedMax: number
  readonly unusedTimeoutMs: number
  /** `byClient` where the client ended it before the gateway began to. */
  readonly onClosed: (channelId: string, byClient: boolean) => void
}

export class SocketChannel implements Line {
  readonly #options: SocketChannelOptions
  /** Answers that are not out yet, in the order of their requests. */
  readonly #answers = new Set<ServerResponse>()
  #channel: Channel
  #before = Promise.resolve()
  #isEnding = false
  #isEndedByClient = false

  constructor(options: SocketChannelOptions) {
    this.#options = options
    const { socket, openedAt, peer } = options
    const from = describeConnection(socket, peer)
    this.#channel = { id: randomUUID(), openedAt, from, isHidden: false, staysOpen: true }
    // Before Node's own listeners, which answer the client's end with an end of their own.
    socket.prependListener('end', () => this.#noteEndOfClient())
    socket.prependListener('error', (error: NodeJS.ErrnoException) => {
      if (clientGoneCodes.has(error.code)) this.#noteEndOfClient()
    })
    socket.once('close', () => options.onClosed(this.#channel.id, this.#isEndedByClient))
  }

  get channel(): Channel {
    return this.#channel
  }

  get peer(): string | undefined {
    return this.#options.peer
  }

  get traffic(): { bytesIn: number; bytesOut: number } {
    return { bytesIn: this.socket.bytesRead, bytesOut: this.socket.bytesWritten }
  }

  get socket(): Socket {
    return this.#options.socket
  }

  /** The answer that is due next, if a request waits for one. */
  get due(): ServerResponse | undefined {
    return this.#answers.values().next().value
  }

  /** No answer can go out any more. */
  get isOver(): boolean {
    return this.socket.destroyed || this.socket.writableEnded
  }

  /** It has carried a request, and waits for the next one. */
  get isIdle(): boolean {
    return this.#answers.size === 0 && !this.#isEnding && this.socket.bytesRead > 0
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  /**
   * Whether a request that follows on this channel proves that the answers before it have arrived: not where requests
   * were sent ahead of answers, nor behind a proxy, whose next request may be another client's.
   */
  get #provesArrival(): boolean {
    return this.#channel.isMultiplexed !== true && !this.#channel.isHidden
  }

  /** One answer at a time is all that it has, whoever it is. */
  admit(): void {
    // Nothing changes.
  }

  hide(): void {
    if (this.#channel.isHidden) return
    this.#options.onClosed(this.#channel.id, false)
    this.#channel = { ...this.#channel, id: randomUUID(), from: 'a proxy', isHidden: true }
  }

  /**
   * Node hands over requests that were sent ahead of answers at once. They are taken one after another here: resolves
   * when all answers before this one are out. Undefined where too many wait.
   */
  takeTurn(answer: ServerResponse): Promise<void> | undefined {
    if (this.#answers.size > this.#options.pipelinedMax) return undefined
    if ([...this.#answers].some((earlier) => !earlier.writableFinished)) this.#notePipelined()
    this.#answers.add(answer)
    const before = this.#before
    this.#before = new Promise((resolve) => {
      answer.once('close', () => {
        this.#answers.delete(answer)
        resolve()
      })
    })
    return before
  }

  whenDelivered(request: IncomingMessage, answer: ServerResponse, callback: () => void): void {
    const { socket } = this
    let bytesAtEnd = request.complete ? socket.bytesRead : undefined
    request.once('end', () => {
      bytesAtEnd ??= socket.bytesRead
    })
    answer.once('finish', () => {
      // Bytes arrived ahead of the answer, so what follows may have been sent ahead of it too.
      if (bytesAtEnd !== socket.bytesRead) this.#notePipelined()
      if (this.#provesArrival) callback()
    })
  }

  endAfter(answer: ServerResponse): void {
    this.noteEnding()
    answer.setHeader('connection', 'close')
  }

  /** The gateway is about to close this connection: from now on its end is not the client's doing. */
  noteEnding(): void {
    this.#isEnding = true
  }

  /** To be called where nothing was sent on it yet: it may stay unused for a while, and no longer. */
  expectUse(): void {
    const { socket } = this
    const { unusedTimeoutMs } = this.#options
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0) this.destroy()
    }, unusedTimeoutMs)
    socket.once('close', () => clearTimeout(timer))
  }

  /** Closes the connection once what was written has gone out. */
  end(): void {
    this.noteEnding()
    this.socket.destroySoon()
  }

  endWhenAnswered(): void {
    if (this.#answers.size === 0) this.end()
    else this.makeDueLast()
  }

  /** What is sent after the answer that is due is not answered. */
  makeDueLast(): void {
    if (this.due?.headersSent === false) this.due.setHeader('connection', 'close')
    this.noteEnding()
  }

  destroy(): void {
    this.noteEnding()
    this.socket.destroy()
  }

  settle(): void {
    if (this.socket.destroyed) this.#options.onClosed(this.#channel.id, this.#isEndedByClient)
  }

  #notePipelined(): void {
    this.#channel.isMultiplexed = true
  }

  #noteEndOfClient(): void {
    if (!this.#isEnding && !this.socket.writableEnded) this.#isEndedByClient = true
  }
}
