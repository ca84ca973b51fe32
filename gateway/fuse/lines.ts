/**
 * Knows the connections that one writer has to its gateway. On the first line goes all that says who is writing: its
 * opening, its locks, and what it commits by name. So whatever comes next there proves that the answer before arrived.
 * The others carry bytes, and deletions, side by side.
 */
import type { Readable } from 'node:stream'
import { Client, Pool, type Dispatcher } from 'undici'
import { headersFor, type GatewayAddress } from './gateway-address.js'

export type Line = 'first' | 'other'

export interface Question {
  readonly line: Line
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | Readable
  /** Hears what comes before the answer. */
  readonly onHint?: (header: (name: string) => string | undefined) => void
}

export interface GatewayAnswer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly body: Buffer
}

const otherLinesMax = 4
/** Shorter than the deadlines of the calls behind them, so that what is given up is broken off too. */
const lookTimeoutMs = 85_000
const changeTimeoutMs = 290_000
/** A gateway keeps idle lines for 120 s; its answers say so. */
const idleMsMax = 10 * 60_000
const otherIdleMsMax = 15_000

export class Lines {
  readonly #address: GatewayAddress
  readonly #first: Client
  #others: Pool

  constructor(address: GatewayAddress) {
    this.#address = address
    this.#first = new Client(address.origin, {
      ...this.#connect(),
      keepAliveMaxTimeout: idleMsMax,
    })
    this.#others = this.#openOthers()
  }

  /** Rejects where the gateway cannot be reached, breaks off, or does not answer in time. */
  async ask(question: Question): Promise<GatewayAnswer> {
    const { method, line, body } = question
    const mayRepeat = body === undefined && method !== 'POST'
    try {
      return await this.#askOnce(question)
    } catch (error) {
      // A line that the gateway has just closed, or one to a gateway that has just started again.
      if (!mayRepeat || !isBrokenLine(error)) throw error
      return this.#askOnce({ ...question, line })
    }
  }

  /** Lines that were opened before a writer was born say nothing of it (DESIGN.md, "Who is writing?"). */
  renewOthers(): void {
    const before = this.#others
    this.#others = this.#openOthers()
    end(before)
  }

  /** Ends them when what is under way is over, as a process that exits does. */
  close(): void {
    end(this.#first)
    end(this.#others)
  }

  async #askOnce(question: Question): Promise<GatewayAnswer> {
    const { line, method, path, headers, body, onHint } = question
    const isLook = method === 'GET' || method === 'HEAD'
    const lines: Dispatcher = line === 'first' ? this.#first : this.#others
    const response = await lines.request({
      method,
      path,
      headers: { ...headers, ...headersFor(this.#address) },
      headersTimeout: isLook ? lookTimeoutMs : changeTimeoutMs,
      bodyTimeout: lookTimeoutMs,
      // It would close the connection after a HEAD, and with it the channel that the opening came on.
      reset: false,
      ...(body === undefined ? {} : { body }),
      ...(onHint && { onInfo: (hint) => onHint((name) => firstOf(hint.headers[name])) }),
    })
    return {
      status: response.statusCode,
      header: (name) => firstOf(response.headers[name]),
      body: await collect(response.body),
    }
  }

  #openOthers(): Pool {
    return new Pool(this.#address.origin, {
      ...this.#connect(),
      connections: otherLinesMax,
      keepAliveMaxTimeout: otherIdleMsMax,
    })
  }

  #connect(): { socketPath?: string } {
    const { socketPath } = this.#address
    return socketPath === undefined ? {} : { socketPath }
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** Far quicker than node:stream/consumers, which makes a Blob of it first. */
async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece)
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}

function end(lines: Dispatcher): void {
  lines.close().catch(() => undefined)
}

function isBrokenLine(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(code)
}
