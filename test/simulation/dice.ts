/** A seeded random source. Each part of a history has its own, so that taking one part out changes no other. */
export class Dice {
  #state: number

  /** The same words give the same throws. */
  constructor(...words: readonly (string | number)[]) {
    let hash = 2166136261
    for (const letter of words.join('/')) {
      hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619)
    }
    this.#state = hash >>> 0
    for (let skipped = 0; skipped < 4; skipped += 1) this.throw()
  }

  /** At least 0 and less than 1 (mulberry32). */
  throw(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  happens(probability: number): boolean {
    return this.throw() < probability
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.throw() * (most - least + 1))
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.whole(0, items.length - 1)]
    if (item === undefined) throw new Error('there is nothing to pick from')
    return item
  }

  /** Each with the given probability. */
  some<T>(items: readonly T[], probability: number): T[] {
    return items.filter(() => this.happens(probability))
  }

  hex(bytes: number): string {
    return Array.from({ length: 2 * bytes }, () => this.whole(0, 15).toString(16)).join('')
  }
}
