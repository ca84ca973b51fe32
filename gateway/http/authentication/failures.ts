/** Decides how long a network is held off after passwords that were wrong. */
import { LRUCache } from 'lru-cache'

/** People mistype; so many cost nothing. */
const freeFailures = 3
const firstDelayMs = 250
const delayMsMax = 5_000
/** Failures are forgotten when none was added for so long. */
const rememberedMs = 60_000
const networksMax = 10_000

export class Failures {
  readonly #counts: LRUCache<string, number>

  constructor(monotonic: () => number) {
    this.#counts = new LRUCache({
      max: networksMax,
      ttl: rememberedMs,
      ttlResolution: 0,
      perf: { now: monotonic },
    })
  }

  /** Counts one more; answers how long nothing from there is to be checked. */
  add(network: string): number {
    const count = (this.#counts.get(network) ?? 0) + 1
    this.#counts.set(network, count)
    if (count <= freeFailures) return 0
    return Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(10, count - freeFailures - 1))
  }
}
