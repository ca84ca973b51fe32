/** Runs one history from its plan: the real gate and core, model clients, simulated time and stores, and the judge. */
import { KeyedMutex } from '../../gateway/gate/keyed-mutex.js'
import { emptyHead, follows } from '../../fencing/journal/chain.js'
import { isOpen } from '../../fencing/state/item.js'
import type { ObjectName } from '../../fencing/object.js'
import { data, index, key, snapshot } from '../fencing/world.js'
import { runCommand } from './commands.js'
import { Dice } from './dice.js'
import { Calls } from './faults.js'
import { Gateway, days } from './gateway.js'
import { happen } from './incidents.js'
import { Judge } from './judge.js'
import { Contents } from './model.js'
import type { Network, Plan, ProcessPlan, Setup } from './plan.js'
import { processOf } from './planning.js'
import { Restic } from './restic.js'
import { Rightful, type Wrong } from './rightful.js'
import type { Situation } from './situation.js'
import { Disk, digestOfName, repository } from './stores.js'
import type { Subject } from './subject.js'
import { Time, quiescence } from './time.js'

export interface Verdict {
  readonly violation: string | undefined
  readonly reached: ReadonlySet<string>
  readonly setup: Setup
  readonly network: Network
  /** What broke I7. */
  readonly wrongs: readonly Wrong[]
  readonly subjects: readonly Subject[]
  readonly steps: number
  /** The plan with all processes that took part. */
  readonly plan: Plan
}

export interface HistoryOptions {
  /** Requests at least; with 0 it takes its plan's processes and no others. */
  readonly stepsMin: number
  /** A history that breaks I7 fails. */
  readonly isI7Judged?: boolean | undefined
  readonly tell?: (line: string) => void
}

const stepsMax = 2_000
/** So much longer for each process that is still needed: one that waits for ever may refresh its lock all the time. */
const stepsMore = 200
const writersMin = 3
/** From the end of one command of a script to the next. */
const scriptPauseMs = 300
/** Locks that nobody takes away keep dozens out. */
const processesMax = 400
const config = 'config' as ObjectName

export class History {
  readonly #plan: Plan
  readonly #stepsMin: number
  readonly #time = new Time()
  readonly #disk = new Disk()
  readonly #contents = new Contents()
  readonly #judge: Judge
  readonly #calls: Calls
  readonly #gateway: Gateway
  readonly #situation: Situation
  readonly #processes: Restic[] = []
  /** What begins when the process of this number is over. */
  readonly #followers = new Map<number, () => void>()
  readonly #plans: ProcessPlan[]
  #running = 0
  #stepsLimit = stepsMax

  constructor(plan: Plan, options: HistoryOptions) {
    this.#plan = plan
    this.#plans = [...plan.processes]
    this.#stepsMin = options.stepsMin
    this.#judge = new Judge(this.#disk, this.#contents, this.#time)
    this.#judge.tell = options.tell
    this.#calls = new Calls(plan.troubles, this.#judge.reached)
    this.#gateway = new Gateway({
      time: this.#time,
      dice: new Dice(plan.seed, 'gateway'),
      disk: this.#disk,
      judge: this.#judge,
      calls: this.#calls,
      quarantineBytesMax: plan.quarantineBytesMax,
    })
    if (plan.network !== 'rough') {
      this.#judge.rightful = new Rightful({
        judge: this.#judge,
        time: this.#time,
        gateway: this.#gateway,
        isJudging: plan.network === 'gentle' && plan.setup !== 'hidden',
        isStrict: options.isI7Judged === true,
      })
    }
    const mutex = new KeyedMutex()
    this.#situation = {
      seed: plan.seed,
      setup: plan.setup,
      time: this.#time,
      disk: this.#disk,
      judge: this.#judge,
      contents: this.#contents,
      gateway: this.#gateway,
      opening: { run: (act) => mutex.run('opening', act) },
      lines: [],
      steps: 0,
      ended: (plan) => this.#hasEnded(plan),
    }
  }

  async run(): Promise<Verdict> {
    this.#layOut()
    await this.#gateway.start()
    for (const plan of this.#plan.processes) this.#schedule(plan)
    for (const incident of this.#plan.incidents) {
      this.#time.after(incident.atMs, () => void happen(this.#situation, incident))
    }
    await this.#play()
    if (this.#judge.violation === undefined) await this.#conclude()
    const { seed, ...rest } = this.#plan
    return {
      violation: this.#judge.violation,
      reached: this.#judge.reached,
      setup: this.#plan.setup,
      network: this.#plan.network,
      wrongs: this.#judge.rightful?.wrongs ?? [],
      subjects: this.#processes.map(({ subject }) => subject),
      steps: this.#situation.steps,
      plan: { seed, ...rest, processes: this.#plans },
    }
  }

  async #play(): Promise<void> {
    for (;;) {
      await quiescence()
      if (this.#judge.violation !== undefined) return
      if (this.#running === 0 && !this.#goOn()) return
      if (this.#situation.steps > this.#stepsLimit) {
        if (!this.#goOn()) return
        this.#stepsLimit += stepsMore
      }
      // Who waits now waits for ever, as for the answer of a gateway that died.
      if (!this.#time.step() && !this.#goOn()) return
    }
  }

  /** A history that is too short, or in which too few have written, goes on with another process. */
  #goOn(): boolean {
    const writers = this.#processes.filter(({ subject }) => subject.writes > 0).length
    const isLong = this.#situation.steps >= this.#stepsMin
    const isShortened = this.#stepsMin === 0
    if (isShortened || (isLong && writers >= writersMin)) return false
    if (this.#plans.length >= processesMax) return false
    this.#putConfigBack()
    const id = Math.max(-1, ...this.#plans.map((plan) => plan.id)) + 1
    const startMs = this.#time.now + new Dice(id).whole(0, 60_000)
    const plan = processOf(this.#plan.seed, this.#plan.network, id, startMs)
    this.#plans.push(plan)
    this.#schedule(plan)
    return true
  }

  #schedule(plan: ProcessPlan): void {
    this.#running += 1
    const { after } = plan
    const isFollowing = after !== undefined && this.#plans.some(({ id }) => id === after)
    if (isFollowing) this.#followers.set(after, () => this.#start(plan, scriptPauseMs))
    else this.#start(plan, plan.startMs - this.#time.now)
  }

  #hasEnded({ id }: ProcessPlan): void {
    this.#running -= 1
    this.#followers.get(id)?.()
  }

  #start(plan: ProcessPlan, ms: number): void {
    this.#time.after(ms, () => {
      const process = new Restic(this.#situation, plan)
      this.#processes.push(process)
      runCommand(process).then(
        (isDone) => {
          this.#hasEnded(plan)
          if (isDone) this.#judge.reached.add(`finished: ${plan.command}`)
          if (isDone && plan.sleeps.length > 0)
            this.#judge.reached.add('rule 7: a sleeper finished')
        },
        (error: unknown) => this.#judge.blame(`a client broke: ${String(error)}`),
      )
    })
  }

  /** A repository with used, partly used, unused and unnamed packs. */
  #layOut(): void {
    const { packs, indexes, snapshots } = this.#contents
    packs.set(data('used'), ['u1', 'u2'])
    packs.set(data('partly'), ['p1', 'p2'])
    packs.set(data('garbage'), ['g'])
    packs.set(data('orphan'), ['o'])
    indexes.set(index('0'), [data('used'), data('garbage')])
    indexes.set(index('1'), [data('partly')])
    snapshots.set(snapshot('0'), ['u1', 'u2'])
    snapshots.set(snapshot('1'), ['u1', 'p1'])
    const names = [...packs.keys(), ...indexes.keys(), ...snapshots.keys(), key('0')]
    for (const object of [...names, config]) this.#layDown(object)
  }

  #layDown(object: ObjectName): void {
    this.#disk.objects.set(object, digestOfName(object))
    this.#judge.standing.set(object, 0)
  }

  /** Where a migration died between its deletion and its upload, restic says to put the config back by hand. */
  #putConfigBack(): void {
    const { objects, unsettled } = this.#disk
    if (objects.has(config) || unsettled.size > 0) return
    this.#layDown(config)
    this.#judge.reached.add('a config was put back')
  }

  /** With the stores well again and after one more start, everything that was recorded is carried out. */
  async #conclude(): Promise<void> {
    this.#calls.isOver = true
    this.#time.skew = 0
    await this.#pass(1 * days)
    // A fence that has failed is loaded again by the next request.
    await this.#gateway.run?.fences.of(repository)
    await this.#gateway.run?.fences.tick()
    await this.#gateway.run?.fences.flush()
    this.#gateway.kill(0)
    await this.#pass(60_000)
    const fence = await this.#gateway.run?.fences.of(repository)
    if (fence === undefined) {
      this.#judge.blame('I2: the repository cannot be loaded again')
      return
    }
    this.#compare(
      [...fence.state.items.values()]
        .filter((one) => isOpen(one) && one.isKept)
        .map((one) => one.id),
    )
    let head = emptyHead
    for (const record of this.#disk.records) {
      if (!follows(head, record)) this.#judge.blame('I6: the journal does not follow on itself')
      head = record
    }
  }

  #compare(kept: readonly string[]): void {
    const { objects, held, unsettled } = this.#disk
    if (unsettled.size > 0) this.#judge.blame('I2: something recorded was never carried out')
    if (held.staging.size > 0) this.#judge.blame('something was left in staging')
    if (kept.some((item) => !held.quarantine.has(item)))
      this.#judge.blame('I3: kept bytes are gone')
    if (held.quarantine.size > kept.length)
      this.#judge.blame('the quarantine holds what no item stands for')
    if (this.#judge.isBeyondLimits) return
    for (const object of this.#judge.standing.keys()) {
      if (!objects.has(object)) this.#judge.blame(`I2: ${object} stands by the journal only`)
    }
    for (const object of objects.keys()) {
      if (!this.#judge.standing.has(object))
        this.#judge.blame(`I6: ${object} stands on the disk only`)
    }
  }

  async #pass(ms: number): Promise<void> {
    const until = this.#time.now + ms
    this.#time.after(ms, () => undefined)
    for (;;) {
      await quiescence()
      if (this.#time.now >= until || !this.#time.step()) break
    }
    await quiescence()
  }
}
