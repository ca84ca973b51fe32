/** Decides how many bytes of bodies that are not whole yet may be held in memory, of all clients and of each. */

export interface BudgetOptions {
  readonly bytesMax: number
}

export const defaultBudget: BudgetOptions = { bytesMax: 32 * 1024 * 1024 }

/** One client may hold a quarter of it. */
const shares = 4

export class MemoryBudget {
  readonly #bytesMax: number
  readonly #held = new Map<string, number>()
  #all = 0

  constructor({ bytesMax }: BudgetOptions) {
    this.#bytesMax = bytesMax
  }

  get held(): number {
    return this.#all
  }

  /** False, and nothing is taken, where there is no room for so much more of this client. */
  take(client: string, bytes: number): boolean {
    const own = (this.#held.get(client) ?? 0) + bytes
    if (this.#all + bytes > this.#bytesMax || own > this.#bytesMax / shares) return false
    this.#held.set(client, own)
    this.#all += bytes
    return true
  }

  giveBack(client: string, bytes: number): void {
    this.#all -= bytes
    const left = (this.#held.get(client) ?? 0) - bytes
    if (left <= 0) this.#held.delete(client)
    else this.#held.set(client, left)
  }
}
