/** Knows how to let a few things happen at once and a bounded number wait. */
export class Turns {
  readonly #atOnce: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnce: number, waitingMax: number) {
    this.#atOnce = atOnce
    this.#waitingMax = waitingMax
  }

  /** Undefined, and `act` is not called, where too many wait already. */
  async take<T>(act: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#waitingMax) return undefined
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running += 1
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      // The place goes straight to the next one, so that nobody can come in between.
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
