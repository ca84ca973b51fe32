/**
 * Compares passwords on threads of its own: bcrypt takes a processor for a tenth of a second or longer, and in Node's pool
 * it would keep files from being read, or wait behind a disk that hangs.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Comparison } from './bcrypt-worker.js'

/** One processor stays for everything else, where there are several. */
export const threadsMax = Math.max(1, Math.min(2, availableParallelism() - 1))
/** A thread without work ends, and its memory goes with it. */
const idleMs = 30_000

const file = new URL('./bcrypt-worker.js', import.meta.url)

interface Thread {
  readonly worker: Worker
  idle: NodeJS.Timeout | undefined
}

const idleThreads: Thread[] = []

/** Never more than `threadsMax` at once: that is the caller's to see to. */
export async function compareOnThread(password: string, hash: string): Promise<boolean> {
  const thread = idleThreads.pop() ?? begin()
  clearTimeout(thread.idle)
  thread.worker.ref()
  const asked: Comparison = { password, hash }
  thread.worker.postMessage(asked)
  const [isRight] = (await once(thread.worker, 'message')) as [boolean]
  rest(thread)
  return isRight
}

function begin(): Thread {
  const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 }
  return { worker: new Worker(file, { resourceLimits, execArgv: [] }), idle: undefined }
}

/** Keeps no process from its end. */
function rest(thread: Thread): void {
  const { worker } = thread
  worker.unref()
  idleThreads.push(thread)
  thread.idle = setTimeout(() => {
    idleThreads.splice(idleThreads.indexOf(thread), 1)
    void worker.terminate()
  }, idleMs).unref()
}
