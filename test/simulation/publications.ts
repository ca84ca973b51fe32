/** Knows in which order objects were published, and which were taken past the gateway since. */
import type { ObjectName } from '../../fencing/object.js'

export class Publications {
  /** How many there were, and how often somebody took something past the gateway. */
  count = 0
  takings = 0
  readonly #published = new Map<ObjectName, number>()
  readonly #taken = new Map<ObjectName, number>()

  add(object: ObjectName): void {
    this.count += 1
    this.#published.set(object, this.count)
    this.#taken.delete(object)
  }

  isSince(object: ObjectName, count: number): boolean {
    return (this.#published.get(object) ?? 0) > count
  }

  take(objects: readonly ObjectName[]): void {
    this.takings += 1
    for (const object of objects) this.#taken.set(object, this.takings)
  }

  /** Whether it is gone, by a taking after so many. */
  isTakenSince(object: ObjectName, takings: number): boolean {
    return (this.#taken.get(object) ?? 0) > takings
  }
}
