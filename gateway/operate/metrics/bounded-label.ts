/** Decides which values a label takes: so many at most, since each is a series that a monitor keeps. */
const rest = 'other'

export class BoundedLabel {
  readonly #max: number
  readonly #known = new Set<string>()

  constructor(max: number) {
    this.#max = max
  }

  /** The value itself, or `other` once there are too many. */
  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= this.#max) return rest
    this.#known.add(value)
    return value
  }
}
