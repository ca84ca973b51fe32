/** Virtual time: what is due happens in order, and nothing waits. */
import type { Clock } from '../../fencing/ports.js'

interface Due {
  readonly at: number
  readonly order: number
  readonly act: () => void
  isCancelled: boolean
}

const epoch = 1_700_000_000_000

export class Time {
  /** Milliseconds since the history began. */
  now = 0
  /** What the wall clock shows beside the true time. */
  skew = 0
  #order = 0
  readonly #heap: Due[] = []

  /** Acts after so many milliseconds; the answer cancels it. */
  after(ms: number, act: () => void): () => void {
    this.#order += 1
    const due = { at: this.now + ms, order: this.#order, act, isCancelled: false }
    push(this.#heap, due)
    return () => {
      due.isCancelled = true
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(ms, resolve))
  }

  /** Lets the next thing happen; false where nothing is due any more. */
  step(): boolean {
    for (;;) {
      const due = pop(this.#heap)
      if (due === undefined) return false
      if (due.isCancelled) continue
      this.now = Math.max(this.now, due.at)
      due.act()
      return true
    }
  }

  /** The clock of a gateway that starts now, after others have run for so long. */
  clock(ranMs = 0): Clock {
    const started = this.now
    return {
      now: () => epoch + this.now + this.skew,
      monotonic: () => this.now - started,
      running: () => ranMs + this.now - started,
      timer: (ms, callback) => this.after(ms, callback),
    }
  }
}

/** Resolves when everything that was under way has come to wait for something. */
export async function quiescence(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function push(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(due, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = due
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    const isRight = left !== undefined && right !== undefined && isBefore(right, left)
    const child = isRight ? right : left
    if (child === undefined || !isBefore(child, last)) break
    heap[at] = child
    at = 2 * at + (isRight ? 2 : 1)
  }
  heap[at] = last
  return first
}
