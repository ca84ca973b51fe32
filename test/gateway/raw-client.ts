/** A client that sends any bytes, which no HTTP library would, and reads answers as they come. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const endOfHead = Buffer.from('\r\n\r\n')

export interface Asked {
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
}

/** One request on a connection of its own. */
export async function ask(
  port: number,
  method: string,
  path: string,
  asked: Asked = {},
): Promise<RawAnswer> {
  const client = await RawClient.connect(port)
  try {
    return await client.request(method, path, asked)
  } finally {
    client.destroy()
  }
}

export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #isOver = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    socket.on('error', () => undefined)
    const finish = (): void => {
      this.#isOver = true
      this.#wake()
    }
    socket.once('end', finish)
    socket.once('close', finish)
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends lines as the head of a request. */
  ask(...lines: readonly string[]): void {
    this.send(`${lines.join('\r\n')}\r\n\r\n`)
  }

  /** Sends a whole request and awaits its answer; throws where the line is closed instead. */
  async request(method: string, path: string, asked: Asked = {}): Promise<RawAnswer> {
    const { headers = [], body = '' } = asked
    const hasBody = method === 'POST' || method === 'PUT' || body.length > 0
    const length = hasBody ? [`Content-Length: ${Buffer.byteLength(body)}`] : []
    this.ask(`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, ...length)
    if (body.length > 0) this.send(body)
    const answer = await this.answer({ isHead: method === 'HEAD' })
    if (answer === undefined) throw new Error(`${method} ${path} was not answered`)
    return answer
  }

  /** The next answer; `isHead` says that it has no body whatever its length. Undefined where the line is closed. */
  async answer({ isHead = false } = {}): Promise<RawAnswer | undefined> {
    const end = await this.#whenFound(endOfHead)
    if (end < 0) return undefined
    const [first = '', ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n')
    const [, version = '', status = '', reason = ''] =
      /^(HTTP\/\d\.\d) (\d{3}) ?(.*)$/.exec(first) ?? []
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    const hasBody = !isHead && Number(status) >= 200 && status !== '204' && status !== '304'
    const body = hasBody ? await this.#body(headers) : Buffer.alloc(0)
    return { version, status: Number(status), reason, headers, body }
  }

  /** Resolves when the gateway has closed its side. */
  async closed(): Promise<void> {
    while (!this.#isOver) await this.#more()
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get unread(): Buffer {
    return this.#received
  }

  end(): void {
    this.socket.end()
  }

  /** Goes away without a word: the other side sees a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #body(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    if (headers['transfer-encoding'] === 'chunked') return this.#chunks()
    const { 'content-length': length } = headers
    if (length !== undefined) {
      while (this.#received.length < Number(length) && !this.#isOver) await this.#more()
      return this.#take(Math.min(Number(length), this.#received.length))
    }
    await this.closed()
    return this.#take(this.#received.length)
  }

  async #chunks(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      const end = await this.#whenFound(Buffer.from('\r\n'))
      if (end < 0) throw new Error('the answer broke off between chunks')
      const size = parseInt(this.#take(end + 2).toString('latin1'), 16)
      while (this.#received.length < size + 2) {
        if (this.#isOver) throw new Error('the answer broke off in a chunk')
        await this.#more()
      }
      chunks.push(this.#take(size + 2).subarray(0, size))
      if (size === 0) return Buffer.concat(chunks)
    }
  }

  async #whenFound(bytes: Buffer): Promise<number> {
    for (;;) {
      const at = this.#received.indexOf(bytes)
      if (at >= 0 || this.#isOver) return at
      await this.#more()
    }
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
