/** One process of restic: how it sends, what it tries again, and how it keeps its lock (RESTIC.md sections 2, 4 and 5). */
import type { ListedType, ObjectName } from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import type { Gate, Visitor } from '../../gateway/gate/gate.js'
import type { Outcome, RefusedReason } from '../../gateway/gate/outcome.js'
import { judgeDeletion, judgeUpload } from './answers.js'
import { Dice } from './dice.js'
import { Lines, type Line } from './line.js'
import type { Mishap, ProcessPlan } from './plan.js'
import { bodySize, digestOfName, repository } from './stores.js'
import { Subject } from './subject.js'
import type { Situation } from './situation.js'

/** What the client sees: a status, or nothing at all. */
export type Reply<T> =
  | { readonly status: 200; readonly value: T; readonly delivered?: () => void }
  | { readonly status: Failure }
type Failure = 400 | 403 | 404 | 503 | 507 | 'lost'

/** The run ends here, with this reason; the lock is still let go of. */
export class Fatal extends Error {}

const lookedTypes: ReadonlySet<ListedType> = new Set(['index', 'snapshots', 'data'])
const minutes = 60_000
/** The end of a line arrives this long after what was sent last on it. */
const hangUpLagMs = 100

/** As the REST door tells them. */
const statuses: Readonly<Record<RefusedReason, Failure>> = {
  stale: 403,
  conflict: 403,
  unseen: 403,
  ambiguous: 403,
  knocked: 503,
  'wrong-hash': 400,
  exists: 403,
  'append-only': 403,
  'not-allowed': 403,
  linked: 403,
  // Nothing of restic's is.
  'too-large': 400,
  'too-many': 403,
  'no-repository': 403,
  'no-space': 507,
  undecided: 503,
}

type Act<T> = (gate: Gate, visitor: Visitor, line: Line) => Promise<Reply<T>>

export class Restic {
  readonly plan: ProcessPlan
  readonly subject: Subject
  readonly dice: Dice
  readonly situation: Situation
  readonly #lines: Lines
  /** Whether its lock was taken from it: asked before its work goes on, while it holds one. */
  lease?: { readonly isLost: () => Promise<boolean> }
  #address: string
  #requests = 0
  #asleepUntil = 0
  #isKilled = false
  #hasAskedToLook = false

  constructor(situation: Situation, plan: ProcessPlan) {
    const { setup, gateway, time, seed } = situation
    this.situation = situation
    this.plan = plan
    this.dice = new Dice(seed, 'process', plan.id)
    this.subject = new Subject(`${plan.command} ${plan.id}`, setup === 'tagged')
    this.#address = `192.0.2.${plan.client}`
    const kinds = {
      hidden: 'hidden',
      http2: 'http2',
      shared: 'http1',
      users: 'http1',
      tagged: 'http1',
    }
    const kind = kinds[setup] as 'hidden' | 'http2' | 'http1'
    this.#lines = new Lines({ gateway, time, name: `p${plan.id}`, kind })
  }

  get isOld(): boolean {
    return this.plan.version === 'old'
  }

  async pause(ms: number): Promise<void> {
    await this.situation.time.pause(ms)
    await this.wake()
  }

  /** What it does between two requests; then it goes on, unless it finds that its lock is gone. */
  async think(): Promise<void> {
    const { paceMs } = this.plan
    await this.pause(Math.round(this.dice.throw() * paceMs))
    // What is due in the second after a wake-up goes out unchecked.
    if (this.dice.happens(0.4)) return
    if ((await this.lease?.isLost()) === true) throw new Fatal('its lock is gone')
  }

  exit(): void {
    this.subject.isOver = true
    this.#lines.closeAll(true)
  }

  async open(): Promise<boolean> {
    const { judge, opening } = this.situation
    const reply = await this.persist(() =>
      this.#send<boolean>('HEAD config', (gate, visitor, line) =>
        opening.run(async () => {
          judge.opening = this.subject
          this.subject.openedAt ??= judge.head
          this.subject.openedBeside ??= judge.beside(this.subject)
          const begun = gate.begin(visitor, repository)
          const size = await Promise.race([begun, line.run.death])
          return size === undefined ? { status: 404 } : { status: 200, value: true }
        }),
      ),
    )
    return reply !== undefined
  }

  async list(type: ListedType): Promise<ObjectName[]> {
    const { judge, disk } = this.situation
    const isLook = lookedTypes.has(type)
    const listed = await this.persist(() =>
      this.#send(`GET ${type}/`, async (gate, visitor) => {
        if (isLook) this.#hasAskedToLook = true
        const entries = await gate.list(visitor, repository, type)
        if (entries === undefined) return { status: 403 }
        const names = entries.map(({ id }) => `${type}/${id}` as ObjectName)
        if (type === 'locks' && names.length < disk.names('locks').length) {
          judge.reached.add('rule 6: a lock was hidden')
        }
        return { status: 200, value: { names, at: judge.head } }
      }),
    )
    if (listed === undefined) throw new Fatal(`cannot list ${type}`)
    if (isLook) this.subject.lookedAt ??= listed.at
    return listed.names
  }

  /** Each failed try is followed by a deletion of the same name, which is itself tried once. */
  async post(object: ObjectName): Promise<boolean> {
    const { judge } = this.situation
    judge.owners.set(object, this.subject)
    this.subject.writes += 1
    const isDone = await this.persist(async () => {
      const reply = await this.#postOnce(object)
      if (reply.status !== 200) {
        this.subject.takingBack.add(object)
        await this.#deleteOnce(object)
      }
      return reply
    })
    if (isDone === undefined) return false
    const at = judge.standing.get(object)
    if (object.startsWith('locks/') && !this.#hasAskedToLook)
      this.subject.lockedAt = at ?? judge.head
    return true
  }

  async delete(object: ObjectName): Promise<boolean> {
    return (await this.persist(() => this.#deleteOnce(object))) !== undefined
  }

  /** One try only, as restic's refresh of a lock deletes the old one. */
  async deleteOnce(object: ObjectName): Promise<boolean> {
    return (await this.#deleteOnce(object)).status === 200
  }

  /** restic up to 0.16 tries everything ten times; later ones give up at once on 403 and 404, else after 15 minutes. */
  async persist<T>(attempt: () => Promise<Reply<T>>): Promise<T | undefined> {
    const began = this.situation.time.now
    for (let tries = 0; ; tries += 1) {
      const reply = await attempt()
      if (reply.status === 200) return reply.value
      if (this.isOld) {
        if (tries >= 10) return undefined
        await this.pause(500 * 1.5 ** tries)
        continue
      }
      const isFinal = reply.status === 403 || reply.status === 404
      const isFull = reply.status === 507 && this.plan.version === 'newest'
      if (isFinal || isFull) return undefined
      await this.pause(Math.min(60_000, 1000 * 2 ** tries))
      if (this.situation.time.now - began > 15 * minutes) return undefined
    }
  }

  async #postOnce(object: ObjectName): Promise<Reply<true>> {
    const { judge, disk } = this.situation
    const mishap = this.plan.mishaps.find(({ at }) => at === this.#requests + 1)
    return this.#send(`POST ${object}`, async (gate, visitor, line) => {
      const { head: since } = judge
      const { takings } = judge.publications
      const isAskingForAView = object.startsWith('locks/') && !this.#hasAskedToLook
      // Its last try that can have taken the view.
      if (isAskingForAView && !judge.standing.has(object)) {
        this.subject.lockedBeside = judge.beside(this.subject)
      }
      const chunks = bodyOf(object, mishap?.kind)
      const body = { chunks, drain: async () => undefined }
      judge.requests.uploadBegins(object)
      try {
        const outcome = await gate.upload(visitor, repository, object, body, line.hangUp.signal)
        judgeUpload(judge, disk, { subject: this.subject, object, since, takings }, outcome)
        return this.#replyOf(outcome, line)
      } finally {
        judge.requests.uploadEnds(object)
      }
    })
  }

  async #deleteOnce(object: ObjectName): Promise<Reply<true>> {
    const { judge, disk } = this.situation
    const { subject } = this
    return this.#send(`DELETE ${object}`, async (gate, visitor, line) => {
      const { head: since } = judge
      const { takings } = judge.publications
      const signal = line.hangUp.signal
      judge.requests.begin(object, subject)
      try {
        const outcome = await gate.delete(visitor, repository, object, signal)
        judgeDeletion(judge, disk, { subject, object, since, takings }, outcome)
        return this.#replyOf(outcome, line)
      } finally {
        judge.requests.end(object, subject)
      }
    })
  }

  #replyOfFault(error: unknown, isLockDeletion: boolean): Reply<never> {
    const isFault = error instanceof BackendError
    if (!isFault) this.situation.judge.blame(`a bug: ${String(error)}`)
    const isFull = isFault && error.code === 'no-space'
    this.situation.judge.reached.add(isFull ? 'told: no-space' : 'told: undecided')
    if (isLockDeletion) return { status: 403 }
    return { status: isFull ? 507 : 503 }
  }

  #replyOf(outcome: Outcome, line: Line): Reply<true> {
    if (outcome.kind === 'done') {
      // Over HTTP/2 requests overlap: there it is a ping that tells that an answer has arrived.
      if (this.situation.setup === 'http2') {
        return { status: 200, value: true, delivered: outcome.delivered }
      }
      if (line.isOpen) outcome.delivered()
      return { status: 200, value: true }
    }
    // The next try comes on another connection.
    if (outcome.reason === 'knocked') this.#lines.close(line, false)
    return { status: statuses[outcome.reason] }
  }

  async #send<T>(what: string, act: Act<T>): Promise<Reply<T>> {
    await this.wake()
    const { situation, plan } = this
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
    const line = await this.#lines.take(mishap?.kind === 'fresh' || plan.usesFreshLines)
    await this.pause(this.#latency())
    if (line === undefined) return { status: 'lost' }
    if (mishap?.kind === 'unsent') {
      this.#lines.close(line, false)
      return { status: 'lost' }
    }
    if (mishap !== undefined) situation.judge.reached.add(`mishap: ${mishap.kind}`)
    if (mishap?.kind === 'delayed') {
      if (mishap.ms < minutes || this.dice.happens(0.5)) {
        line.isStuck = true
        situation.time.after(mishap.ms, () => void this.#arriveLate(line, what, act))
      } else {
        // The end of the handshake hung as well, so the gateway takes the line for a new one.
        this.#arriveOnNewLine(mishap, what, act)
        this.#lines.close(line, false)
      }
      return { status: 'lost' }
    }
    if (mishap?.kind === 'duplicated') this.#arriveOnNewLine(mishap, what, act)
    const reply = await this.#arrive(line, what, act)
    if (mishap?.kind === 'unanswered' || mishap?.kind === 'broken') {
      if (mishap.ms === 0) this.#lines.close(line, false)
      return { status: 'lost' }
    }
    await this.pause(this.#latency())
    this.#lines.release(line)
    if (reply.status !== 200) return reply
    if (!line.isOpen) return { status: 'lost' }
    reply.delivered?.()
    return reply
  }

  async #arrive<T>(line: Line, what: string, act: Act<T>): Promise<Reply<T>> {
    const { run } = line
    const { judge, time } = this.situation
    if (run !== this.situation.gateway.run || !line.isOpen) return { status: 'lost' }
    await this.situation.gateway.tick()
    if (this.subject.isGivenUp) judge.isBeyondLimits = true
    const answered = act(run.gate, this.#visitor(line), line).catch((error: unknown) => {
      return this.#replyOfFault(error, what.startsWith('DELETE locks/'))
    })
    judge.tell?.(`${time.now} ${this.subject.name} on ${line.channel.id}: ${what}`)
    const lost = run.death.then(() => ({ status: 'lost' }) as const)
    const reply = await Promise.race([answered, lost])
    judge.tell?.(
      `${time.now} ${this.subject.name} on ${line.channel.id}: ${what}: ${reply.status}`,
    )
    return reply
  }

  /** The client has given up on a request that is still on its way: behind what a process that is over sent, its line ends. */
  async #arriveLate<T>(line: Line, what: string, act: Act<T>): Promise<void> {
    if (this.subject.isOver) {
      this.situation.time.after(hangUpLagMs, () => line.hangUp.abort())
    }
    await this.#arrive(line, what, act)
    this.#lines.close(line, false)
  }

  #arriveOnNewLine<T>(mishap: Mishap, what: string, act: Act<T>): void {
    this.situation.time.after(mishap.ms, () => {
      void this.#lines.take(true).then((line) => line && this.#arriveLate(line, what, act))
    })
  }

  async #sleepBefore(count: number): Promise<void> {
    const sleep = this.plan.sleeps.find(({ at }) => at === count)
    if (sleep === undefined) return
    const { time, judge } = this.situation
    this.#asleepUntil = time.now + sleep.ms
    judge.reached.add('a client slept')
    await time.pause(sleep.ms)
    this.#lines.closeIdleAsleep()
    if (sleep.isCut) this.#lines.closeAll(false)
    await this.wake()
  }

  async wake(): Promise<void> {
    if (this.#isKilled) await new Promise(() => undefined)
    const { time } = this.situation
    while (time.now < this.#asleepUntil) await time.pause(this.#asleepUntil - time.now)
  }

  async #beKilled(): Promise<void> {
    this.#isKilled = true
    this.subject.isOver = true
    this.situation.judge.reached.add('a client was killed')
    // The system closes a killed process's connections; a machine without power closes nothing.
    if (this.dice.happens(0.5)) this.#lines.closeAll(true)
    this.situation.ended(this)
    await new Promise(() => undefined)
  }

  #latency(): number {
    return this.dice.happens(0.05) ? this.dice.whole(100, 3000) : this.dice.whole(1, 30)
  }

  #visitor(line: Line): Visitor {
    const { setup } = this.situation
    const user = setup === 'users' ? { user: `user-${this.plan.client}` } : {}
    const tag = setup === 'tagged' ? { tag: `run-${this.plan.id}` } : {}
    const client = { address: this.#address, ...user }
    const { isAppendOnly } = this.plan
    return { channel: line.channel, client, isAppendOnly, ...tag }
  }
}

/** A body is the digest of its own name; one that breaks off ends in an error. */
async function* bodyOf(
  object: ObjectName,
  mishap: Mishap['kind'] | undefined,
): AsyncGenerator<Uint8Array> {
  const body = digestOfName(object).padStart(bodySize, '0')
  // The config alone is not named by its content, so nobody would notice.
  const isGarbled = mishap === 'garbled' && object !== 'config'
  yield Buffer.from(
    isGarbled ? body.replace(/./, (first) => (first === '0' ? '1' : '0')) : body,
  )
  if (mishap === 'broken') throw new Error('the client went away')
}
