/** Decides how often the log says that a limit was reached: of each limit and address once in a while, not each time. */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'

const quietMs = 60_000
const rememberedMax = 1_000

export interface Reached {
  /** The flag that sets it. */
  readonly limit: string
  readonly address: string
}

export class LimitLog {
  readonly #logger: Logger
  readonly #told: LRUCache<string, true>

  constructor(logger: Logger, monotonic: () => number) {
    this.#logger = logger
    this.#told = new LRUCache({
      max: rememberedMax,
      ttl: quietMs,
      ttlResolution: 0,
      perf: { now: monotonic },
    })
  }

  reached({ limit, address }: Reached, sentence: string): void {
    const key = `${limit} ${address}`
    if (this.#told.has(key)) return
    this.#told.set(key, true)
    this.#logger.warn({ limit, address }, sentence)
  }
}
