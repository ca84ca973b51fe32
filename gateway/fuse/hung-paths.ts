/**
 * Knows which paths have just kept a caller waiting in vain. The kernel asks again at once for a name that it knew, and for
 * bytes that it wanted ahead, on behalf of a caller who has waited long enough.
 */
import { LRUCache } from 'lru-cache'

export interface HungPathsOptions {
  /** A call that failed sooner is worth another. */
  readonly waitedMs: number
  readonly rememberedMs: number
}

export const defaultHungPaths: HungPathsOptions = { waitedMs: 30_000, rememberedMs: 2_000 }
const pathsMax = 1024

export class HungPaths {
  readonly #waitedMs: number
  readonly #paths: LRUCache<string, true>

  constructor({ waitedMs, rememberedMs }: HungPathsOptions) {
    this.#waitedMs = waitedMs
    this.#paths = new LRUCache({ max: pathsMax, ttl: rememberedMs, ttlResolution: 0 })
  }

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  /** A call failed that was begun then, by the clock of `performance`. */
  failed(path: string, begunAt: number): void {
    if (performance.now() - begunAt >= this.#waitedMs) this.#paths.set(path, true)
  }
}
