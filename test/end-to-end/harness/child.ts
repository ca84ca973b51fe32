/** Knows processes: output, signals, and that none outlives the tests. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { atExit } from './at-exit.js'
import { eventually } from './wait.js'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Leaves stdin open, to be fed and ended by the test. */
  readonly isStdinOpen?: boolean
}

const living = new Set<Child>()

const killAll = (): void => {
  for (const child of living) child.signal('SIGKILL')
}

atExit(killAll)
for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
  process.once(signal, () => {
    killAll()
    process.exit(code)
  })

/** The processes that a process has started, directly or not. */
const startedBy = async (pid: number): Promise<readonly number[]> => {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = threads.map((thread) =>
    readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => ''),
  )
  const own = (await Promise.all(lists)).flatMap((list) => list.split(' ')).filter(Boolean)
  const theirs = await Promise.all(own.map((child) => startedBy(Number(child))))
  return [...own.map(Number), ...theirs.flat()]
}

const signalTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

/** One running program. Killed, if it still lives, when the test process ends. */
export class Child {
  /** Resolves once the program has ended and its output is complete; rejects only if it could not be started. */
  readonly ended: Promise<Ended>
  readonly command: string
  readonly #process: ChildProcessWithoutNullStreams
  #stdout = ''
  #stderr = ''
  #isOver = false
  /** What it had started when it fell asleep (restic its rclone). */
  #asleepWithIt: readonly number[] = []

  constructor(file: string, args: readonly string[], options: ChildOptions) {
    this.command = [file.split('/').at(-1), ...args].join(' ')
    this.#process = spawn(file, args, { env: options.env, cwd: options.cwd })
    this.#process.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#stdout += text))
    this.#process.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#stderr += text))
    // A program that ends while it is being fed is told by its exit code, not by a broken pipe.
    this.#process.stdin.on('error', () => undefined)
    if (options.isStdinOpen !== true) this.#process.stdin.end()
    living.add(this)
    this.ended = this.#end()
    this.ended.catch(() => undefined)
  }

  async #end(): Promise<Ended> {
    try {
      await once(this.#process, 'close')
    } finally {
      this.#isOver = true
      living.delete(this)
    }
    const { exitCode: code, signalCode: signal } = this.#process
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr }
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What it has written so far. */
  get output(): string {
    return this.#stdout + this.#stderr
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#isOver) return
    this.#process.kill(signal)
    // Whoever is stopped does not notice that the other end of its pipe has gone.
    if (signal === 'SIGKILL') this.#signalSleepers(signal)
  }

  #signalSleepers(signal: NodeJS.Signals): void {
    for (const pid of this.#asleepWithIt) signalTo(pid, signal)
    this.#asleepWithIt = []
  }

  /** Resolves with the match once the output contains the pattern. */
  async says(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray> {
    const what = () => `${String(pattern)} from ${this.command}, which said:\n${this.output}`
    return eventually(
      what,
      () => {
        const match = pattern.exec(this.output)
        if (match !== null) return match
        if (this.#isOver) throw new Error(`ended without ${what()}`)
        return undefined
      },
      deadlineMs,
    )
  }

  /** Writes to stdin; resolves when the pipe has taken it, or the program has ended. */
  async feed(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#process
    if (!stdin.writable || stdin.write(bytes)) return
    await Promise.race([once(stdin, 'drain'), this.ended])
  }

  endInput(): void {
    this.#process.stdin.end()
  }

  /** Stops the process and what it has started where they stand (the lid closes); resolves when they have stopped. */
  async sleep(): Promise<void> {
    this.signal('SIGSTOP')
    const { pid } = this.#process
    if (process.platform !== 'linux' || pid === undefined) return
    await this.#stopped(pid)
    this.#asleepWithIt = await startedBy(pid)
    for (const one of this.#asleepWithIt) signalTo(one, 'SIGSTOP')
    for (const one of this.#asleepWithIt) await this.#stopped(one)
  }

  async #stopped(pid: number): Promise<void> {
    await eventually(`${this.command} to stop`, async () => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') T')
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
    })
  }

  wake(): void {
    this.#signalSleepers('SIGCONT')
    this.signal('SIGCONT')
  }

  /** SIGKILL, also to one that sleeps; resolves when it has ended. */
  async kill(): Promise<Ended> {
    this.signal('SIGKILL')
    return this.ended
  }
}
