/** Knows how long a call may take before its caller is let go: nobody waits for ever for a store that hangs. */

export type Work = 'look' | 'bytes' | 'change'

/** Longer than a gateway holds a knocked request (60 s); a change may have the whole of a pack to make durable. */
export const defaultDeadlinesMs: Readonly<Record<Work, number>> = {
  look: 90_000,
  bytes: 90_000,
  change: 5 * 60_000,
}

interface Pending {
  readonly endsAt: number
  readonly expire: () => void
}

const sweepMs = 250

/** One timer for all calls: there are thousands a second, and nearly all end at once. */
export class Deadlines {
  readonly #deadlinesMs: Readonly<Record<Work, number>>
  readonly #pending = new Set<Pending>()
  readonly #timer: NodeJS.Timeout

  constructor(deadlinesMs: Readonly<Record<Work, number>>) {
    this.#deadlinesMs = deadlinesMs
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    this.#timer.unref()
  }

  /** Calls `expire` once if the answer was not called before the deadline. */
  start(work: Work, expire: () => void): () => void {
    const pending = { endsAt: performance.now() + this.#deadlinesMs[work], expire }
    this.#pending.add(pending)
    return () => {
      this.#pending.delete(pending)
    }
  }

  /** How many calls wait for their answer. */
  get size(): number {
    return this.#pending.size
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = performance.now()
    for (const pending of this.#pending) {
      if (pending.endsAt > now) continue
      this.#pending.delete(pending)
      pending.expire()
    }
  }
}
