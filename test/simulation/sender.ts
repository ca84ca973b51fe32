/** How one process's requests reach the gateway: on which connection, what befalls them, and when the process sleeps. */
import { BackendError } from '../../fencing/ports.js'
import type { Gate, Visitor } from '../../gateway/gate/gate.js'
import type { Dice } from './dice.js'
import { Lines, type Line } from './line.js'
import type { Mishap, ProcessPlan } from './plan.js'
import type { Company } from './rightful.js'
import type { Situation } from './situation.js'
import type { Subject } from './subject.js'
import { constantsOf, type Failure } from './wire.js'

/** What the client sees: a status, or nothing at all. */
export type Reply<T> =
  | {
      readonly status: 200
      readonly value: T
      readonly delivered?: () => void
      /** The gateway closes the connection behind this answer. */
      readonly isLast?: boolean
    }
  /** `beside`: it was deferred, and beside whom. */
  | { readonly status: Failure; readonly beside?: Company }

export type Act<T> = (gate: Gate, visitor: Visitor, line: Line) => Promise<Reply<T>>

const minutes = 60_000
/** The end of a line arrives this long after what was sent last on it. */
const hangUpLagMs = 100

export interface SenderOptions {
  readonly situation: Situation
  readonly plan: ProcessPlan
  readonly subject: Subject
  readonly dice: Dice
}

export class Sender {
  readonly #options: SenderOptions
  /** Its connections; where it opens the repository a second time (migrate), that opening has its own. */
  readonly #pools: Lines[] = []
  #pool: Lines
  #address: string
  #requests = 0
  #asleepUntil = 0
  #asleepMs = 0
  #isKilled = false

  constructor(options: SenderOptions) {
    this.#options = options
    this.#address = `192.0.2.${options.plan.client}`
    this.#pool = this.#newPool()
  }

  /** How long the process has been awake. */
  get wakingMs(): number {
    return this.#options.situation.time.now - this.#asleepMs
  }

  /** What will befall the next request. */
  get nextMishap(): Mishap | undefined {
    return this.#options.plan.mishaps.find(({ at }) => at === this.#requests + 1)
  }

  async pause(ms: number): Promise<void> {
    await this.#options.situation.time.pause(ms)
    await this.wake()
  }

  closeAll(byClient: boolean): void {
    for (const pool of this.#pools) pool.closeAll(byClient)
  }

  /** All but what keeps the lock goes over connections of its own meanwhile. */
  async onNewPool(work: () => Promise<void>): Promise<void> {
    const first = this.#pool
    this.#pool = this.#newPool()
    await work()
    this.#pool = first
  }

  /** What happens to the plan's request of this number happens here. */
  async send<T>(what: string, act: Act<T>): Promise<Reply<T>> {
    await this.wake()
    const { situation, plan, subject } = this.#options
    this.#requests += 1
    situation.steps += 1
    const count = this.#requests
    const roamed = plan.roams.find(({ at }) => at === count)
    if (roamed !== undefined) {
      this.#address = `198.51.100.${roamed.to}`
      situation.judge.reached.add('a client roamed')
    }
    await this.#sleepBefore(count)
    if (plan.killedAt === count) await this.#beKilled()
    const mishap = plan.mishaps.find(({ at }) => at === count)
    // What keeps the lock belongs to the first opening.
    const lines = (what.includes(' locks/') ? this.#pools[0] : undefined) ?? this.#pool
    if (count > 1 && lines.isEmpty) subject.hasLostConnections = true
    if (what.startsWith('DELETE locks/')) subject.hasUnlockedAfresh = lines.isEmpty
    const isFresh = mishap?.kind === 'fresh' || plan.usesFreshLines
    const line = await lines.take(isFresh, this.#address)
    await this.pause(this.#latency())
    if (line === undefined) return { status: 'lost' }
    if (mishap?.kind === 'unsent') {
      line.owner.close(line, false)
      return { status: 'lost' }
    }
    if (mishap !== undefined) situation.judge.reached.add(`mishap: ${mishap.kind}`)
    if (mishap?.kind === 'delayed') {
      if (mishap.ms < minutes || this.#options.dice.happens(0.5)) {
        line.isStuck = true
        situation.time.after(mishap.ms, () => void this.#arriveLate(line, what, act))
      } else {
        // The end of the handshake hung as well, so the gateway takes the line for a new one.
        this.#arriveOnNewLine(mishap, what, act)
        line.owner.close(line, false)
      }
      return { status: 'lost' }
    }
    if (mishap?.kind === 'duplicated') this.#arriveOnNewLine(mishap, what, act)
    const reply = await this.#arrive(line, what, act)
    if (mishap?.kind === 'unanswered' || mishap?.kind === 'broken') {
      if (mishap.ms === 0) line.owner.close(line, false)
      return { status: 'lost' }
    }
    await this.pause(this.#latency())
    lines.release(line)
    if (reply.status !== 200) return reply
    if (!line.isOpen) return { status: 'lost' }
    reply.delivered?.()
    if (reply.isLast === true) line.owner.close(line, false)
    return reply
  }

  async #arrive<T>(line: Line, what: string, act: Act<T>): Promise<Reply<T>> {
    const { run } = line
    const { judge, time } = this.#options.situation
    if (run !== this.#options.situation.gateway.run || !line.isOpen) return { status: 'lost' }
    await this.#options.situation.gateway.tick()
    if (this.#options.subject.isGivenUp) judge.isBeyondLimits = true
    const answered = act(run.gate, this.#visitor(line), line).catch((error: unknown) => {
      return this.#replyOfFault(error, what.startsWith('DELETE locks/'))
    })
    judge.tell?.(`${time.now} ${this.#options.subject.name} on ${line.channel.id}: ${what}`)
    const lost = run.death.then(() => ({ status: 'lost' }) as const)
    const reply = await Promise.race([answered, lost])
    judge.tell?.(
      `${time.now} ${this.#options.subject.name} on ${line.channel.id}: ${what}: ${reply.status}`,
    )
    return reply
  }

  #replyOfFault(error: unknown, isLockDeletion: boolean): Reply<never> {
    const isFault = error instanceof BackendError
    if (!isFault) this.#options.situation.judge.blame(`a bug: ${String(error)}`)
    const isFull = isFault && error.code === 'no-space'
    this.#options.situation.judge.reached.add(isFull ? 'told: no-space' : 'told: undecided')
    if (isLockDeletion) return { status: 403 }
    return { status: isFull ? 507 : 503 }
  }

  /**
   * The client has given up on a request that is still on its way: behind what a process that is over sent, its line ends. A
   * proxy hangs up on the gateway when its client has (docs/PROXIES.md).
   */
  async #arriveLate<T>(line: Line, what: string, act: Act<T>): Promise<void> {
    const { situation, subject } = this.#options
    if (subject.isOver || situation.setup === 'hidden') {
      situation.time.after(hangUpLagMs, () => line.hangUp.abort())
    }
    await this.#arrive(line, what, act)
    line.owner.close(line, false)
  }

  #arriveOnNewLine<T>(mishap: Mishap, what: string, act: Act<T>): void {
    this.#options.situation.time.after(mishap.ms, () => {
      void this.#pool
        .take(true, this.#address)
        .then((line) => line && this.#arriveLate(line, what, act))
    })
  }

  async #sleepBefore(count: number): Promise<void> {
    const sleep = this.#options.plan.sleeps.find(({ at }) => at === count)
    if (sleep === undefined) return
    const { time, judge } = this.#options.situation
    this.#asleepUntil = time.now + sleep.ms
    judge.reached.add('a client slept')
    this.#asleepMs += sleep.ms
    await time.pause(sleep.ms)
    if (sleep.isCut) this.closeAll(false)
    for (const pool of this.#pools) pool.closeIdle()
    await this.wake()
  }

  async wake(): Promise<void> {
    if (this.#isKilled) await new Promise(() => undefined)
    const { time } = this.#options.situation
    while (time.now < this.#asleepUntil) await time.pause(this.#asleepUntil - time.now)
  }

  async #beKilled(): Promise<void> {
    this.#isKilled = true
    this.#options.subject.isOver = true
    this.#options.subject.isDead = true
    this.#options.situation.judge.reached.add('a client was killed')
    // The system closes a killed process's connections; a machine without power closes nothing.
    if (this.#options.dice.happens(0.5)) this.closeAll(true)
    this.#options.situation.ended(this.#options.plan)
    await new Promise(() => undefined)
  }

  #newPool(): Lines {
    const { setup, gateway, time } = this.#options.situation
    const kind = setup === 'hidden' || setup === 'http2' ? setup : 'http1'
    const isAwake = (): boolean => !this.#isKilled && time.now >= this.#asleepUntil
    const name = `p${this.#options.plan.id}${'b'.repeat(this.#pools.length)}`
    const lines = new Lines({ gateway, time, name, kind, isAwake })
    this.#pools.push(lines)
    this.#options.situation.lines.push(lines)
    return lines
  }

  #latency(): number {
    return this.#options.dice.happens(0.05)
      ? this.#options.dice.whole(100, 3000)
      : this.#options.dice.whole(1, 30)
  }

  #visitor(line: Line): Visitor {
    const { setup } = this.#options.situation
    const user = setup === 'users' ? { user: `user-${this.#options.plan.client}` } : {}
    const tag = setup === 'tagged' ? { tag: `run-${this.#options.plan.id}` } : {}
    const client = { address: this.#address, ...user }
    const { isAppendOnly } = this.#options.plan
    const constants = constantsOf(this.#options.plan)
    return { channel: line.channel, client, isAppendOnly, ...tag, ...{ constants } }
  }
}
