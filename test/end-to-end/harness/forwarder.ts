/**
 * Knows the line between a client and a server: what is asked and answered, and how to hold, lose or cut it. One
 * connection of the client is one connection to the server, for attribution rests on that.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, matches, type Exchange, type Pattern } from './exchange.js'
import { RequestFraming } from './framing.js'
import { Rules, type Gate } from './rules.js'
import { eventually } from './wait.js'

/** The exchange that a connection is at: pieces of both directions belong to it. */
interface Line {
  readonly connection: Connection
  readonly client: Socket
  readonly server: Socket
  exchange?: Exchange
}

export interface ForwarderOptions {
  /** The address that connections to the server come from. */
  readonly outgoing?: string
  /** What requests name as their host, for forwarders that are to look like one and the same address. */
  readonly host?: string
}

/** One connection of the client: when it began and ended, and which side hung up first. */
export interface Connection {
  readonly number: number
  readonly openedMs: number
  closed?: { readonly atMs: number; readonly by: 'client' | 'server' }
}

const write = async (to: Socket, bytes: Buffer): Promise<void> => {
  if (!to.writable || to.write(bytes)) return
  const waiting = new AbortController()
  const { signal } = waiting
  const either = Promise.race([once(to, 'drain', { signal }), once(to, 'close', { signal })])
  await either.finally(() => waiting.abort())
}

const noteEnd = (connection: Connection, by: 'client' | 'server'): void => {
  connection.closed ??= { atMs: performance.now(), by }
}

/** A socket's bytes; unlike the socket's own iterator, its end leaves the other direction open. */
const chunksOf = (socket: Socket): AsyncIterable<Buffer> =>
  socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>

export class Forwarder {
  readonly target: { readonly port: number }
  /** The address that connections to the server come from; set another to let the client roam. */
  outgoing: string
  readonly #host: string | undefined
  readonly exchanges: Exchange[] = []
  readonly connections: Connection[] = []
  readonly #ends = new Set<Socket>()
  #server: Server | undefined
  readonly #rules = new Rules()
  #port = 0

  private constructor(target: { readonly port: number }, options: ForwarderOptions) {
    this.target = target
    this.outgoing = options.outgoing ?? '127.0.0.1'
    this.#host = options.host
  }

  static async open(
    target: { readonly port: number },
    options: ForwarderOptions = {},
  ): Promise<Forwarder> {
    const forwarder = new Forwarder(target, options)
    await forwarder.accept()
    return forwarder
  }

  get port(): number {
    return this.#port
  }

  url(repository: string): string {
    return `rest:http://127.0.0.1:${this.#port}/${repository}/`
  }

  /** Listens, again on the same port after `refuse`. */
  async accept(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#join(client),
    )
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
    this.#server = server
  }

  /** Refuses new connections; those that are open go on. */
  refuse(): void {
    this.#server?.close()
    this.#server = undefined
  }

  /** Cuts every open connection on both sides: `rst` as a crash would, `fin` as an orderly close. */
  cut(how: 'rst' | 'fin' = 'rst'): void {
    for (const end of this.#ends) {
      if (how === 'rst') end.resetAndDestroy()
      else end.destroySoon()
    }
  }

  close(): void {
    this.refuse()
    this.cut()
  }

  /** Keeps the next matching request from the server, or its reply from the client, until released. */
  hold(pattern: Pattern, place: 'request' | 'reply' = 'request'): Gate {
    return this.#rules.hold(pattern, place)
  }

  /** Lets the server answer the next matching request, and resets the client's connection instead of passing it on. */
  loseReply(pattern: Pattern): Promise<Exchange> {
    return this.#rules.lose(pattern)
  }

  /** Resolves with the first matching exchange from number `from` on, once it was asked. */
  async seen(pattern: Pattern, from = 0, deadlineMs?: number): Promise<Exchange> {
    return eventually(
      () => `${pattern}; seen were\n${this.describe(from)}`,
      () => this.exchanges.slice(from).find((exchange) => matches(pattern, exchange)),
      deadlineMs,
    )
  }

  /** Resolves with the first matching exchange from number `from` on, once it was answered. */
  async answered(pattern: Pattern, from = 0, deadlineMs?: number): Promise<Exchange> {
    return eventually(
      () => `an answer to ${pattern}; seen were\n${this.describe(from)}`,
      () => this.all(pattern, from).find(({ answer }) => answer !== undefined),
      deadlineMs,
    )
  }

  /** Resolves when nothing that was asked from number `from` on waits for its answer. */
  async quiet(from = 0): Promise<void> {
    await eventually(
      () => `all answers; seen were\n${this.describe(from)}`,
      () => this.exchanges.slice(from).every(({ answer }) => answer !== undefined),
    )
  }

  /** Resolves when the client has closed every connection. */
  async deserted(deadlineMs?: number): Promise<void> {
    await eventually(
      () => `the end of ${this.#ends.size} connections; seen were\n${this.describe()}`,
      () => this.#ends.size === 0,
      deadlineMs,
    )
  }

  all(pattern: Pattern, from = 0): readonly Exchange[] {
    return this.exchanges.slice(from).filter((exchange) => matches(pattern, exchange))
  }

  describe(from = 0): string {
    return describe(this.exchanges.slice(from))
  }

  #join(client: Socket): void {
    const connection: Connection = {
      number: this.connections.length + 1,
      openedMs: performance.now(),
    }
    this.connections.push(connection)
    const server = connect({
      host: '127.0.0.1',
      port: this.target.port,
      localAddress: this.outgoing,
      allowHalfOpen: true,
      noDelay: true,
    })
    const line: Line = { connection, client, server }
    for (const [end, other] of [[client, server] as const, [server, client] as const]) {
      this.#ends.add(end)
      end.on('error', () => other.resetAndDestroy())
      end.on('close', () => {
        noteEnd(connection, end === client ? 'client' : 'server')
        this.#ends.delete(end)
        other.destroySoon()
      })
    }
    this.#passRequests(line).catch(() => client.resetAndDestroy())
    this.#passReplies(line).catch(() => server.resetAndDestroy())
  }

  async #passRequests(line: Line): Promise<void> {
    const framing = new RequestFraming()
    for await (const chunk of chunksOf(line.client)) {
      for (const { bytes, request } of framing.push(chunk)) {
        if (request !== undefined) {
          const connection = line.connection.number
          line.exchange = { connection, askedMs: performance.now(), ...request }
          this.exchanges.push(line.exchange)
          await this.#rules.apply('request', line.exchange)
        }
        const isHead = request !== undefined
        await write(line.server, isHead ? this.#renamed(bytes, request.head) : bytes)
      }
    }
    noteEnd(line.connection, 'client')
    line.server.end()
  }

  async #passReplies(line: Line): Promise<void> {
    for await (const chunk of chunksOf(line.server)) {
      const { exchange } = line
      // Clients wait for an answer before they ask again on a connection, so these bytes begin the answer.
      const status = /^HTTP\/1\.[01] ([2-5]\d\d) ?(.*)\r\n/.exec(
        chunk.toString('latin1', 0, 512),
      )
      if (exchange !== undefined && exchange.answer === undefined && status !== null) {
        const atMs = performance.now()
        exchange.answer = { status: Number(status[1]), reason: status[2] ?? '', atMs }
        if ((await this.#rules.apply('reply', exchange)) === 'lose') {
          line.client.resetAndDestroy()
          return
        }
      }
      await write(line.client, chunk)
    }
    noteEnd(line.connection, 'server')
    line.client.end()
  }

  /** The head of a request as the server is to read it; rclone names the address as its referer too. */
  #renamed(bytes: Buffer, head: string): Buffer {
    if (this.#host === undefined) return bytes
    return Buffer.from(head.replaceAll(`127.0.0.1:${this.#port}`, this.#host), 'latin1')
  }
}
