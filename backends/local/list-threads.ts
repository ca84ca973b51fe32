/** Knows how to have many packs listed on threads of their own: blocking calls are several times cheaper there. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ListEntry } from '../../fencing/ports.js'
import { idLength } from './pack-names.js'
import type { ListOrder, ListReport } from './list-worker.js'

const program = new URL('./list-worker.js', import.meta.url)
const threads = Math.min(2, availableParallelism())
/** A thread that nobody needs for so long is ended; it holds memory. */
const idleMs = 60_000
/** Listed at once: what a thread has in hand is memory that it does not give back. */
const shardsOfOrder = 16
/** A list leaves much behind and keeps little, so that its space for young objects need not grow. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 }

/** Lists the folders of `shards`, shared out among the threads. */
export class ListThreads {
  readonly #lines = Array.from({ length: threads }, () => new ListThread())

  async list(folder: string, shards: readonly string[]): Promise<ListEntry[]> {
    const orders = Array.from({ length: Math.ceil(shards.length / shardsOfOrder) }, (_, at) => {
      return { folder, shards: shards.slice(at * shardsOfOrder, (at + 1) * shardsOfOrder) }
    }).values()
    const entries: ListEntry[] = []
    const work = async (line: ListThread): Promise<void> => {
      for (const order of orders) for (const one of await line.list(order)) entries.push(one)
    }
    await Promise.all(this.#lines.map(work))
    return entries
  }
}

class ListThread {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** One order after another. */
  list(order: ListOrder): Promise<ListEntry[]> {
    const act = (): Promise<ListEntry[]> => this.#carryOut(order)
    const turn = this.#turn.then(act, act)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #carryOut(order: ListOrder): Promise<ListEntry[]> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? new Worker(program, { resourceLimits })
    this.#worker = worker
    worker.ref()
    try {
      return entriesOf(await answer(worker, order))
    } catch (error) {
      this.#end()
      throw error
    } finally {
      worker.unref()
      this.#idle = setTimeout(() => this.#end(), idleMs).unref()
    }
  }

  #end(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
  }
}

function answer(worker: Worker, order: ListOrder): Promise<ListReport> {
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      worker.off('message', onReport).off('error', onFailed).off('exit', onExit)
    }
    const onReport = (report: ListReport): void => {
      settled()
      resolve(report)
    }
    const onFailed = (error: Error): void => {
      settled()
      reject(error)
    }
    const onExit = (): void => onFailed(new Error('a listing thread has ended'))
    worker.on('message', onReport).on('error', onFailed).on('exit', onExit)
    worker.postMessage(order)
  })
}

function entriesOf(report: ListReport): ListEntry[] {
  if ('message' in report) {
    throw Object.assign(new Error(report.message), { code: report.errno })
  }
  const { ids, sizes, times } = report
  return Array.from(sizes, (size, number) => ({
    id: ids.slice(number * idLength, (number + 1) * idLength),
    size,
    modifiedMs: times[number] ?? 0,
  }))
}
