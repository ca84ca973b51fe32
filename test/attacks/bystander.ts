/** A user that goes about its work while another attacks, and how long each of its requests takes. */
import { setTimeout as delay } from 'node:timers/promises'
import { RawClient } from '../gateway/raw-client.js'
import { nameOf } from '../gateway/door.js'

export interface BystanderOptions {
  readonly port: number
  readonly repository: string
  /** Where a server listens that nobody attacks, and that does nothing. */
  readonly controlPort: number
  /** `user:password`; nobody is asked without it. */
  readonly login?: string
}

export interface Felt {
  readonly requests: number
  /** Of each request, from its first byte to the end of its answer, in order of length. */
  readonly times: readonly number[]
  /** The longest that the server which nobody attacks took meanwhile: what the machine itself does. */
  readonly controlMs: number
  /** What was answered otherwise than with success. */
  readonly failures: readonly string[]
}

const pauseMs = 25
/** A new connection for so many requests, since an attack may close others out. */
const requestsPerConnection = 8

export class Bystander {
  readonly #options: BystanderOptions
  readonly #headers: readonly string[]

  constructor(options: BystanderOptions) {
    this.#options = options
    const { login } = options
    this.#headers =
      login === undefined
        ? []
        : [`Authorization: Basic ${Buffer.from(login).toString('base64')}`]
  }

  /** Makes its repository, before anybody attacks. */
  async settle(): Promise<void> {
    const { repository } = this.#options
    const client = await this.#connect()
    const headers = this.#headers
    await client.request('POST', `/${repository}/?create=true`, { headers })
    await client.request('POST', `/${repository}/config`, { headers, body: 'config' })
    client.destroy()
  }

  /** Asks, writes and deletes, one after another, for so long. */
  async work(ms: number): Promise<Felt> {
    const end = performance.now() + ms
    const times: number[] = []
    const failures: string[] = []
    let controlMs = 0
    while (performance.now() < end) {
      await this.#workOnConnection(end, times, failures)
      controlMs = Math.max(controlMs, await this.#control())
    }
    times.sort((one, other) => one - other)
    return { requests: times.length, times, controlMs, failures }
  }

  async #workOnConnection(end: number, times: number[], failures: string[]): Promise<void> {
    const { repository } = this.#options
    const headers = this.#headers
    const lock = `lock ${performance.now()}`
    const asked: readonly (readonly [string, string, string?])[] = [
      ['HEAD', 'config'],
      ['GET', 'locks/'],
      ['POST', nameOf('locks', lock), lock],
      ['GET', 'keys/'],
      ['DELETE', nameOf('locks', lock)],
    ]
    let begun = performance.now()
    let client: RawClient | undefined
    try {
      client = await this.#connect()
      for (let turn = 0; turn < requestsPerConnection && performance.now() < end; turn += 1) {
        const [method = '', path = '', body] = asked[turn % asked.length] ?? []
        const wanted = { headers, ...(body === undefined ? {} : { body }) }
        const { status } = await client.request(method, `/${repository}/${path}`, wanted)
        times.push(performance.now() - begun)
        if (status !== 200) failures.push(`${method} ${path}: ${status}`)
        await delay(pauseMs)
        begun = performance.now()
      }
    } catch (error) {
      times.push(performance.now() - begun)
      failures.push(String(error))
      await delay(pauseMs)
    } finally {
      client?.destroy()
    }
  }

  async #control(): Promise<number> {
    const begun = performance.now()
    const client = await RawClient.connect(this.#options.controlPort)
    for (let turn = 0; turn < requestsPerConnection; turn += 1) await client.request('GET', '/')
    client.destroy()
    return performance.now() - begun
  }

  async #connect(): Promise<RawClient> {
    return RawClient.connect(this.#options.port)
  }
}
