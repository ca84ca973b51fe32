/** Knows how to ask a gateway as restic would, one request at a time, without restic. */
import { createHash } from 'node:crypto'
import type { Service } from './service.js'

export type Kind = 'data' | 'locks' | 'index' | 'snapshots'

export interface Told {
  readonly status: number
  readonly reason: string
}

export const nameOf = (kind: Kind, bytes: Uint8Array): string =>
  `${kind}/${createHash('sha256').update(bytes).digest('hex')}`

/** Requests of one gateway's repository; each answer is read to its end. */
export class PlainClient {
  readonly #url: string
  /** What it was told is saved. */
  readonly acknowledged = new Map<string, Uint8Array>()

  constructor({ port }: Pick<Service, 'port'>, address = 'repo') {
    this.#url = `http://127.0.0.1:${port}/${address}`
  }

  /** Begins as every restic does, so that the gateway knows of a writer. */
  async open(): Promise<void> {
    await this.ask('HEAD', 'config')
  }

  async save(kind: Kind, bytes: Uint8Array): Promise<Told> {
    const object = nameOf(kind, bytes)
    const told = await this.ask('POST', object, bytes)
    if (told.status === 200) this.acknowledged.set(object, bytes)
    return told
  }

  async ask(method: string, object: string, body?: Uint8Array): Promise<Told> {
    const sent = body === undefined ? {} : { body }
    const answer = await fetch(`${this.#url}/${object}`, { method, ...sent })
    await answer.arrayBuffer()
    return { status: answer.status, reason: answer.statusText }
  }

  /** The objects that it was told are saved and that do not come back as they were. */
  async lost(): Promise<readonly string[]> {
    const lost: string[] = []
    for (const [object, bytes] of this.acknowledged) {
      const answer = await fetch(`${this.#url}/${object}`)
      const found = Buffer.from(await answer.arrayBuffer())
      if (answer.status !== 200 || !found.equals(bytes))
        lost.push(`${object}: ${answer.status}`)
    }
    return lost
  }
}
