/**
 * Decides when a journal that failed is read again. The first times at once, since most faults pass; while it goes on to
 * fail ever more rarely, for a whole journal is read and replayed each time, on the thread that serves all repositories.
 */
import type { RepositoryId } from '../../fencing/object.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'

interface Streak {
  /** How often in a row it was read, or tried to be, and recorded nothing then. */
  readonly failures: number
  /** Monotonic milliseconds. */
  readonly notBefore: number
  readonly error: unknown
}

const atOnceMax = 3
const firstDelayMs = 1_000
const delayMsMax = 15_000

export class Reloads {
  readonly #monotonic: () => number
  readonly #streaks = new Map<RepositoryId, Streak>()
  /** What was durable when a fence was loaded; taken out once its failure was counted. */
  readonly #loadedAt = new Map<RepositoryFence, number>()

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  loaded(fence: RepositoryFence): void {
    this.#loadedAt.set(fence, fence.durablePosition)
  }

  /** Throws what failed last where it is too soon to try again. */
  require(repository: RepositoryId, failed: RepositoryFence | undefined): void {
    const loadedAt = failed && this.#loadedAt.get(failed)
    if (failed !== undefined && loadedAt !== undefined) {
      this.#loadedAt.delete(failed)
      if (failed.durablePosition > loadedAt) this.#streaks.delete(repository)
      this.failed(repository, failed.failure)
    }
    const streak = this.#streaks.get(repository)
    if (streak !== undefined && this.#monotonic() < streak.notBefore) throw streak.error
  }

  failed(repository: RepositoryId, error: unknown): void {
    const failures = (this.#streaks.get(repository)?.failures ?? 0) + 1
    const doublings = failures - atOnceMax - 1
    const delayMs = doublings < 0 ? 0 : Math.min(delayMsMax, firstDelayMs * 2 ** doublings)
    this.#streaks.set(repository, { failures, notBefore: this.#monotonic() + delayMs, error })
  }
}
