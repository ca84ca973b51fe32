/** One gateway over its whole history: runs of the real gate and core that die and come back on the same stores. */
import { Allowance } from '../../fencing/state/item.js'
import { defaultSettings } from '../../fencing/rules/context.js'
import { Fences } from '../../gateway/gate/fences.js'
import { defaultParking, Gate } from '../../gateway/gate/gate.js'
import type { Dice } from './dice.js'
import { Faults, type Calls, type Death } from './faults.js'
import { itemAgeMaxMs, type Judge } from './judge.js'
import { repository, simulatedJournal, simulatedStore, type Disk } from './stores.js'
import type { Time } from './time.js'

const tickMs = 15_000
export const days = 24 * 60 * 60_000

export interface Run {
  readonly gate: Gate
  readonly fences: Fences
  readonly faults: Faults
  /** Resolves when this run dies: nobody is answered any more. */
  readonly death: Promise<undefined>
  readonly hasDied: () => void
  readonly monotonic: () => number
  readonly running: () => number
  lastTick: number
}

export interface GatewayOptions {
  readonly time: Time
  readonly dice: Dice
  readonly disk: Disk
  readonly judge: Judge
  readonly calls: Calls
  readonly quarantineBytesMax: number
}

export class Gateway {
  readonly #options: GatewayOptions
  /** Undefined while it is down. */
  run: Run | undefined
  #runs = 0
  /** The running time as it was kept last: what came after is lost with a run. */
  #ranMs = 0

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { time, dice, disk, judge, calls, quarantineBytesMax } = this.#options
    this.#runs += 1
    const faults = new Faults(calls, time, (death) => this.#die(death))
    const store = simulatedStore(disk, faults, judge)
    const clock = time.clock(this.#ranMs)
    const random = { hex: (bytes: number) => dice.hex(bytes) }
    const fences = new Fences({
      store,
      journal: simulatedJournal(disk, faults, judge),
      clock,
      random,
      settings: defaultSettings,
      allowance: new Allowance(quarantineBytesMax),
      itemAgeMaxMs,
      onFault: () => undefined,
    })
    if (this.#runs > 1 && disk.unsettled.size > 0)
      judge.reached.add('recovery carried something out')
    const gate = new Gate({ store, fences, random, ...defaultParking })
    let hasDied = (): void => undefined
    const death = new Promise<undefined>((resolve) => {
      hasDied = () => resolve(undefined)
    })
    this.run = {
      gate,
      fences,
      faults,
      monotonic: clock.monotonic,
      running: clock.running,
      death,
      hasDied,
      lastTick: time.now,
    }
    try {
      await fences.loadAll()
    } catch {
      // What could not be loaded now is loaded by the first request.
    }
  }

  /** What the gateway does every few seconds; where nothing happens, nothing would come of it. */
  async tick(): Promise<void> {
    const { run } = this
    if (run === undefined || this.#options.time.now - run.lastTick < tickMs) return
    run.lastTick = this.#options.time.now
    this.#ranMs = run.running()
    await run.fences.tick()
  }

  /** It is gone at once, and comes back after a while. */
  kill(downMs: number): void {
    const { run } = this
    if (run === undefined) return
    run.faults.isDead = true
    this.#die({ downMs })
  }

  #die({ downMs }: Pick<Death, 'downMs'>): void {
    const { run } = this
    const { time, judge } = this.#options
    if (run === undefined) return
    if (run.fences.unrecorded.has(repository)) {
      // A stated limit: who was served while nothing could be recorded is not known to the next run.
      judge.reached.add('the gateway died and had not recorded who reads')
      judge.isBeyondLimits = true
    }
    this.run = undefined
    if (!this.#options.calls.isOver) judge.reached.add('the gateway died')
    run.hasDied()
    time.after(downMs, () => void this.start())
  }
}
