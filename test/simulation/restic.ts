/** One process of restic: how it sends, what it tries again, and how it keeps its lock (RESTIC.md sections 2, 4 and 5). */
import type { ListedType, ObjectName } from '../../fencing/object.js'
import type { Outcome } from '../../gateway/gate/outcome.js'
import { judgeDeletion, judgeUpload } from './answers.js'
import { Dice } from './dice.js'
import type { Line } from './line.js'
import type { ProcessPlan } from './plan.js'
import { Deferral, type Company } from './rightful.js'
import { Sender, type Reply } from './sender.js'
import type { Situation } from './situation.js'
import { repository } from './stores.js'
import { Subject } from './subject.js'
import { bodyOf, constantsOf, statuses } from './wire.js'

/** The run ends here, with this reason; the lock is still let go of. */
export class Fatal extends Error {}

const lookedTypes: ReadonlySet<ListedType> = new Set(['index', 'snapshots', 'data'])
const minutes = 60_000
/** Of one kind at a time. */
const readsMax = 3

export class Restic {
  readonly plan: ProcessPlan
  readonly subject: Subject
  readonly dice: Dice
  readonly situation: Situation
  readonly #sender: Sender
  /** Whether its lock was taken from it: asked before its work goes on, while it holds one. */
  lease?: { readonly isLost: () => Promise<boolean> }
  #thoughts = 0
  #hasAskedToLook = false

  constructor(situation: Situation, plan: ProcessPlan) {
    const { setup, seed } = situation
    this.situation = situation
    this.plan = plan
    this.dice = new Dice(seed, 'process', plan.id)
    const user = setup === 'users' ? `user-${plan.client}` : ''
    const tag = setup === 'tagged' ? `run-${plan.id}` : ''
    const identity = [user, tag, constantsOf(plan)].join(' ')
    this.subject = new Subject(plan.command, plan.id, setup === 'tagged', identity)
    const { subject, dice } = this
    this.#sender = new Sender({ situation, plan, subject, dice })
    situation.judge.rightful?.began(this.subject)
  }

  get isOld(): boolean {
    return this.plan.version === 'old'
  }

  async pause(ms: number): Promise<void> {
    await this.#sender.pause(ms)
  }

  /** Returns when it is awake. */
  async wake(): Promise<void> {
    await this.#sender.wake()
  }

  /** What it does between two requests; then it goes on, unless it finds that its lock is gone. */
  async think(): Promise<void> {
    const { paceMs, idles } = this.plan
    this.#thoughts += 1
    const idle = idles.find(({ at }) => at === this.#thoughts)
    await this.pause(Math.round(this.dice.throw() * paceMs) + (idle?.ms ?? 0))
    // What is due in the second after a wake-up goes out unchecked.
    if (this.dice.happens(0.4)) return
    if ((await this.lease?.isLost()) === true) throw new Fatal('its lock is gone')
  }

  exit(): void {
    this.subject.isOver = true
    this.subject.overAt = this.situation.time.now
    this.#sender.closeAll(true)
    this.situation.judge.rightful?.finished(this.subject)
  }

  /** The handshake, which no process is without: the key takes half a second to derive. */
  async open(): Promise<boolean> {
    if (!(await this.#begin())) return false
    const keys = await this.list('keys')
    for (const key of keys.slice(0, 1)) await this.read(key)
    await this.pause(this.dice.whole(300, 900))
    return this.read('config' as ObjectName)
  }

  /** Opens the repository once more, as migrate does for its check, on connections of their own. */
  async openAgain(work: () => Promise<void>): Promise<void> {
    this.subject.hasOpenedAgain = true
    this.situation.judge.reached.add('a second opening')
    await this.#sender.onNewPool(async () => {
      if (!(await this.open())) throw new Fatal('cannot open it again')
      await work()
    })
  }

  async #begin(): Promise<boolean> {
    const { judge, opening } = this.situation
    const reply = await this.persist(() =>
      this.#sender.send<boolean>('HEAD config', (gate, visitor, line) =>
        opening.run(async () => {
          judge.openers.set(this.subject.name, this.subject)
          judge.opening = this.subject
          this.subject.openedAt ??= judge.head
          this.subject.openedBeside ??= judge.beside(this.subject)
          const request = this.subject.name
          const begun = gate.begin({ ...visitor, request }, repository)
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
      this.#sender.send(`GET ${type}/`, async (gate, visitor) => {
        if (isLook) this.#hasAskedToLook = true
        if (type === 'data') this.subject.hasListedData = true
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

  /** False where it is not there. */
  async read(object: ObjectName): Promise<boolean> {
    const isLock = object.startsWith('locks/')
    const read = await this.persist(() =>
      this.#sender.send<true>(`GET ${object}`, async (gate, visitor, line) => {
        const opened = await gate.open(visitor, repository, object)
        if (opened === undefined) return { status: 404 }
        await opened.close()
        // The door keeps a client from posting its own lock on a connection that would not say whose it is.
        const isUnknown = !line.channel.isHidden && !gate.knows(line.channel.id)
        return { status: 200, value: true, isLast: isLock && isUnknown }
      }),
    )
    return read !== undefined
  }

  /** Side by side; false where one of them is not there. */
  async readAll(objects: readonly ObjectName[]): Promise<boolean> {
    if (objects.length > 1) this.situation.judge.reached.add('objects were read side by side')
    const found = await Promise.all(objects.map((object) => this.read(object)))
    return !found.includes(false)
  }

  /** What a cold cache lacks, as far as a short history goes. */
  async readCold(objects: readonly ObjectName[]): Promise<void> {
    if (this.plan.isCold) await this.readAll(objects.slice(0, readsMax))
  }

  /** Each failed try is followed by a deletion of the same name, which is itself tried once. */
  async post(object: ObjectName): Promise<boolean> {
    const { judge } = this.situation
    judge.owners.set(object, this.subject)
    this.subject.writes += 1
    if (object.startsWith('locks/')) this.subject.hasLocked = true
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
    const { time, judge } = this.situation
    const began = time.now
    const deferral = new Deferral()
    for (let tries = 0; ; tries += 1) {
      const reply = await attempt()
      if (reply.status === 200) {
        deferral.end(this.subject, judge.rightful, this.#sender.wakingMs)
        return reply.value
      }
      if (reply.beside !== undefined) deferral.add(reply.beside, this.#sender.wakingMs)
      const isFinal = reply.status === 403 || reply.status === 404
      const isFull = reply.status === 507 && this.plan.version === 'newest'
      const isGivenUp = this.isOld
        ? tries >= 10
        : isFinal || isFull || time.now - began > 15 * minutes
      if (isGivenUp) {
        if (reply.beside !== undefined) this.subject.hasGivenUp = true
        deferral.end(this.subject, judge.rightful, this.#sender.wakingMs)
        return undefined
      }
      await this.pause(
        this.isOld ? Math.round(500 * 1.5 ** tries) : Math.min(60_000, 1000 * 2 ** tries),
      )
    }
  }

  async #postOnce(object: ObjectName): Promise<Reply<true>> {
    const { judge, disk } = this.situation
    const mishap = this.#sender.nextMishap
    return this.#sender.send(`POST ${object}`, async (gate, visitor, line) => {
      const { head: since } = judge
      const { takings } = judge.publications
      const isAskingForAView = object.startsWith('locks/') && !this.#hasAskedToLook
      // Its last try that can have taken the view.
      if (isAskingForAView && !judge.standing.has(object)) {
        this.subject.lockedBeside = judge.beside(this.subject)
      }
      const chunks = bodyOf(object, mishap?.kind)
      const body = { chunks, drain: async () => undefined }
      const before = judge.rightful?.companyOf(this.subject)
      judge.requests.uploadBegins(object)
      try {
        const outcome = await gate.upload(visitor, repository, object, body, line.hangUp.signal)
        const asked = { subject: this.subject, object, since, takings }
        return this.#replyOf(outcome, line, judgeUpload(judge, disk, asked, outcome, before))
      } finally {
        judge.requests.uploadEnds(object)
      }
    })
  }

  async #deleteOnce(object: ObjectName): Promise<Reply<true>> {
    const { judge, disk } = this.situation
    const { subject } = this
    return this.#sender.send(`DELETE ${object}`, async (gate, visitor, line) => {
      const { head: since } = judge
      const { takings } = judge.publications
      const signal = line.hangUp.signal
      const before = judge.rightful?.companyOf(this.subject)
      judge.requests.begin(object, subject)
      try {
        const outcome = await gate.delete(visitor, repository, object, signal)
        const asked = { subject, object, since, takings }
        return this.#replyOf(outcome, line, judgeDeletion(judge, disk, asked, outcome, before))
      } finally {
        judge.requests.end(object, subject)
      }
    })
  }

  #replyOf(outcome: Outcome, line: Line, beside: Company | undefined): Reply<true> {
    if (outcome.kind === 'done') {
      // Over HTTP/2 requests overlap: there it is a ping that tells that an answer has arrived.
      if (this.situation.setup === 'http2') {
        return { status: 200, value: true, delivered: outcome.delivered }
      }
      if (line.isOpen) outcome.delivered()
      return { status: 200, value: true }
    }
    const status = statuses[outcome.reason]
    if (beside === undefined) return { status }
    // The next try comes on another connection, and on a known one where there is any.
    for (const lines of this.situation.lines) lines.closeUnknown(line.run, line.peer)
    // An HTTP/2 session ends when its other requests have been answered.
    if (line.waiting === 0 || this.situation.setup !== 'http2') line.owner.close(line, false)
    return { status, beside }
  }
}
