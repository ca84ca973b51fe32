/** Knows the processes that call: which process a thread belongs to, its lasting name, and when it has exited. */
import { readFileSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { ThreadId } from './calling-thread.js'

/** One process of this machine, for as long as it lives; no two of them share a tag, not even across boots. */
export interface CallingProcess {
  readonly pid: number
  /** What its writer tags begin with. */
  readonly name: string
}

interface Known {
  readonly process: CallingProcess
  readonly startTicks: string
}

/** Thread numbers are handed out in turn, so none can come to another process within so short a time. */
const threadAgeMaxMs = 250
const threadsMax = 4096

export class CallingProcesses {
  readonly #threads = new LRUCache<ThreadId, CallingProcess>({
    max: threadsMax,
    ttl: threadAgeMaxMs,
  })
  readonly #known = new Map<number, Known>()
  readonly #prefix: string
  readonly #onExit: (process: CallingProcess) => void

  /** `as` is the name that the mount gives to its client. */
  constructor(as: string | undefined, onExit: (process: CallingProcess) => void) {
    this.#prefix = as === undefined ? bootName() : `${as}.${bootName()}`
    this.#onExit = onExit
  }

  /** Undefined where the thread is not to be seen here. */
  of(thread: ThreadId): CallingProcess | undefined {
    const cached = this.#threads.get(thread)
    if (cached !== undefined) return cached
    const pid = processOf(thread)
    const startTicks = pid === undefined ? undefined : startTicksOf(pid)
    if (pid === undefined || startTicks === undefined) return undefined
    let known = this.#known.get(pid)
    if (known !== undefined && known.startTicks !== startTicks) {
      this.#onExit(known.process)
      known = undefined
    }
    if (known === undefined) {
      const process = { pid, name: `${this.#prefix}.${pid}.${startTicks}` }
      known = { process, startTicks }
      this.#known.set(pid, known)
    }
    this.#threads.set(thread, known.process)
    return known.process
  }

  /** To be called every second or so: tells which of them have exited since. */
  check(): void {
    for (const [pid, known] of this.#known) {
      if (startTicksOf(pid) === known.startTicks) continue
      this.#known.delete(pid)
      this.#onExit(known.process)
    }
  }
}

/** Another one after each boot, on each machine. */
function bootName(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
}

function processOf(thread: ThreadId): number | undefined {
  try {
    const status = readFileSync(`/proc/${thread}/status`, 'latin1')
    const pid = /^Tgid:\t(\d+)$/m.exec(status)?.[1]
    return pid === undefined ? undefined : Number(pid)
  } catch {
    return undefined
  }
}

/** When a process began, in clock ticks since the boot; undefined for one that has exited, waited for or not (proc(5)). */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : fields[18]
  } catch {
    return undefined
  }
}
