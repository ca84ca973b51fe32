/**
 * Keeps how long gateways have run over a state, whatever the date is: nothing ends, expires or is evicted by a date, since a
 * machine may boot with a wrong one. What a crash takes, a minute at most, makes everything seem younger and nothing older.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const keptEveryMs = 60_000

export class RunningTime {
  readonly #file: string
  readonly #beforeMs: number
  readonly #monotonic: () => number
  readonly #startedAt: number
  #keptAt: number

  private constructor(file: string, beforeMs: number, monotonic: () => number) {
    this.#file = file
    this.#beforeMs = beforeMs
    this.#monotonic = monotonic
    this.#startedAt = this.#keptAt = monotonic()
  }

  /** What cannot be read counts as nothing: everything is then as young as it can be. */
  static async open(folder: string, monotonic: () => number): Promise<RunningTime> {
    const file = join(folder, 'running-time')
    const text = await readFile(file, 'utf8').catch(() => '')
    const beforeMs = /^\d{1,15}\n$/.test(text) ? Number(text) : 0
    return new RunningTime(file, beforeMs, monotonic)
  }

  /** Milliseconds. */
  now(): number {
    return this.#beforeMs + this.#monotonic() - this.#startedAt
  }

  /** To be called now and then: it is kept once in a minute. */
  async keepNowAndThen(): Promise<void> {
    if (this.#monotonic() - this.#keptAt >= keptEveryMs) await this.keep()
  }

  /** Never throws: where the disk is full, or cannot be written, time goes on from what was kept last. */
  async keep(): Promise<void> {
    this.#keptAt = this.#monotonic()
    const made = `${this.#file}.new`
    try {
      await writeFile(made, `${Math.floor(this.now())}\n`)
      await rename(made, this.#file)
    } catch {
      // Time that is not kept ends nobody.
    }
  }
}
