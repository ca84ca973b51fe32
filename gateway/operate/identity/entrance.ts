/** Lets browsers in by a link that works once within a minute, and remembers for some hours who came in by which. */
import { createHash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { LinkView } from '../admin/views.js'
import type { Operator } from './operator.js'

const linkMs = 60_000
const sessionMs = 8 * 60 * 60_000
/** Of those who sign in most often the oldest session goes. */
const sessionsMax = 100
const linksMax = 100

export interface EntranceOptions {
  /** Milliseconds from an arbitrary start; never goes back. */
  readonly monotonic: () => number
  readonly now: () => number
  /** Where a browser on this machine reaches the pages: `http://127.0.0.1:8001`. May begin to listen there. */
  readonly origin: () => Promise<string>
}

interface Until {
  readonly operator: Operator
  readonly until: number
}

export class Entrance {
  readonly #options: EntranceOptions
  /** Keys are hashes: what is in memory opens nothing. */
  readonly #links = new LRUCache<string, Until>({ max: linksMax })
  readonly #sessions = new LRUCache<string, Until>({ max: sessionsMax })

  constructor(options: EntranceOptions) {
    this.#options = options
  }

  async link(by: string): Promise<LinkView> {
    const { origin, now, monotonic } = this.#options
    const base = await origin()
    const secret = randomBytes(32).toString('base64url')
    const operator = { name: by, role: 'operator', way: 'link' } as const
    this.#links.set(hashOf(secret), { operator, until: monotonic() + linkMs })
    const expires = new Date(now() + linkMs).toISOString()
    return { url: `${base}/-/ui/enter?link=${secret}`, expires }
  }

  /** The key of a new session; undefined where the link was used, or its minute is over. */
  enter(secret: string): string | undefined {
    const key = hashOf(secret)
    const found = this.#links.get(key)
    this.#links.delete(key)
    if (found === undefined || found.until <= this.#options.monotonic()) return undefined
    const session = randomBytes(32).toString('base64url')
    const until = this.#options.monotonic() + sessionMs
    this.#sessions.set(hashOf(session), { operator: found.operator, until })
    return session
  }

  operatorOf(session: string): Operator | undefined {
    const found = this.#sessions.get(hashOf(session))
    if (found === undefined) return undefined
    return found.until > this.#options.monotonic() ? found.operator : undefined
  }

  leave(session: string): void {
    this.#sessions.delete(hashOf(session))
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
