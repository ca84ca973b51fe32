/**
 * Decides whose turn it is: a few things happen at once, callers take turns by their key, and none waits behind another
 * key's crowd. A key may be held off for a while.
 */

export interface FairTurnsOptions {
  readonly atOnce: number
  /** Of one key. */
  readonly waitingMax: number
  /** Of all keys together. */
  readonly allWaitingMax: number
  /** Calls back after so long; of Node's unless a test has a clock of its own. */
  readonly timer?: (ms: number, callback: () => void) => unknown
}

/** Keeps no process from its end. */
const nodesTimer = (ms: number, callback: () => void): unknown =>
  setTimeout(callback, ms).unref()

interface Queue {
  readonly waiting: (() => void)[]
  isHeldOff: boolean
  running: number
}

export class FairTurns {
  readonly #options: FairTurnsOptions
  /** In the order of their turns. A key that nothing is known of has none. */
  readonly #queues = new Map<string, Queue>()
  #running = 0
  #waiting = 0

  constructor(options: FairTurnsOptions) {
    this.#options = options
  }

  /** Undefined, and `act` is not called, where too many wait already. */
  async take<T>(key: string, act: () => Promise<T>): Promise<T | undefined> {
    const { waitingMax, allWaitingMax } = this.#options
    if (this.#waiting >= allWaitingMax) return undefined
    const queue = this.#queueOf(key)
    if (queue.waiting.length >= waitingMax) return undefined
    await new Promise<void>((resolve) => {
      queue.waiting.push(resolve)
      this.#waiting += 1
      this.#next()
    })
    try {
      return await act()
    } finally {
      this.#running -= 1
      queue.running -= 1
      this.#forget(key, queue)
      this.#next()
    }
  }

  /** Nothing of this key begins before then. */
  holdOff(key: string, ms: number): void {
    const queue = this.#queueOf(key)
    if (queue.isHeldOff) return
    queue.isHeldOff = true
    const { timer = nodesTimer } = this.#options
    timer(ms, () => {
      queue.isHeldOff = false
      this.#forget(key, queue)
      this.#next()
    })
  }

  /** One of a key at a time, as long as another key waits for its turn. */
  #next(): void {
    for (const isAlone of [true, false]) {
      for (const [key, queue] of this.#queues) {
        if (this.#running >= this.#options.atOnce) return
        if (queue.isHeldOff || (isAlone && queue.running > 0)) continue
        const begin = queue.waiting.shift()
        if (begin === undefined) continue
        this.#waiting -= 1
        this.#running += 1
        queue.running += 1
        // Behind all others.
        this.#queues.delete(key)
        this.#queues.set(key, queue)
        begin()
      }
    }
  }

  #queueOf(key: string): Queue {
    const queue = this.#queues.get(key) ?? { waiting: [], isHeldOff: false, running: 0 }
    this.#queues.set(key, queue)
    return queue
  }

  #forget(key: string, { waiting, isHeldOff, running }: Queue): void {
    if (waiting.length === 0 && !isHeldOff && running === 0) this.#queues.delete(key)
  }
}
