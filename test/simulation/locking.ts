/** How restic locks, waits for others' locks, refreshes its own, and notices that it was taken away (RESTIC.md section 2). */
import { named } from '../fencing/world.js'
import type { ObjectName } from '../../fencing/object.js'
import type { Restic } from './restic.js'

const minutes = 60_000
const refreshMs = 5 * minutes
/** restic from 0.16 on looks whether its lock still stands when the last refresh was so long ago. */
const refreshableMs = 22.5 * minutes

export interface Locking {
  /** Lets the lock go: the last that a run does. */
  readonly end: () => Promise<void>
}

export async function beginLocked(
  process: Restic,
  isExclusive: boolean,
): Promise<Locking | undefined> {
  const { plan } = process
  const until = process.situation.time.now + (plan.isPatient ? 40 * minutes : 0)
  for (let tries = 0; ; tries += 1) {
    const seen = new Set<ObjectName>()
    if (!(await isLocked(process, isExclusive, seen))) {
      const lock = newLock(process, isExclusive, `0.${tries}`)
      if (!(await process.post(lock))) return undefined
      await process.pause(200)
      seen.add(lock)
      if (!(await isLocked(process, isExclusive, seen)))
        return new HeldLock(process, lock, isExclusive)
      await process.delete(lock)
    }
    if (process.situation.time.now >= until) return undefined
    await process.pause(Math.min(60, 5 * 2 ** tries) * 1000)
  }
}

/** Reads what it has not seen yet, all at once; its own lock it never reads. */
async function isLocked(
  process: Restic,
  isExclusive: boolean,
  seen: Set<ObjectName>,
): Promise<boolean> {
  const { locks } = process.situation.contents
  for (let looks = 0; ; looks += 1) {
    const foreign = (await process.list('locks')).filter((lock) => !seen.has(lock))
    const isBlocked = foreign.some((lock) => {
      return isExclusive || locks.get(lock)?.isExclusive === true
    })
    const isRead = await process.readAll(foreign)
    if (isBlocked) return true
    if (isRead || process.isOld) {
      for (const lock of foreign) seen.add(lock)
      return false
    }
    // One that went meanwhile cannot be read: restic from 0.17 on looks again, three times.
    if (looks === 3) return true
    await process.pause(5000 * 2 ** looks)
  }
}

function newLock(process: Restic, isExclusive: boolean, label: string): ObjectName {
  const { situation, plan } = process
  const lock = named('locks', `${plan.id} ${label}`)
  situation.contents.locks.set(lock, {
    isExclusive,
    at: situation.time.now,
    client: plan.client,
  })
  return lock
}

class HeldLock implements Locking {
  readonly #process: Restic
  readonly #isExclusive: boolean
  #lock: ObjectName
  #refreshedAt: number
  #refreshes = 0
  #isOver = false
  #refreshing = Promise.resolve()
  #cancel: () => void = () => undefined

  constructor(process: Restic, lock: ObjectName, isExclusive: boolean) {
    this.#process = process
    this.#lock = lock
    this.#isExclusive = isExclusive
    this.#refreshedAt = process.situation.time.now
    process.lease = { isLost: () => this.#isLost() }
    this.#schedule()
  }

  async end(): Promise<void> {
    this.#cancel()
    this.#isOver = true
    delete this.#process.lease
    await this.#refreshing
    this.#process.subject.isUnlocking = true
    await this.#process.delete(this.#lock)
  }

  #schedule(): void {
    this.#cancel = this.#process.situation.time.after(refreshMs, () => {
      void this.#oneAfterAnother(() => this.#refreshWhenDue()).then(() => {
        if (!this.#isOver) this.#schedule()
      })
    })
  }

  /** restic has one thread for this: a refresh that hangs keeps the next waiting. */
  async #oneAfterAnother<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#refreshing.then(act)
    const done = (): void => undefined
    this.#refreshing = mine.then(done, done)
    return mine
  }

  /** After a sleep it depends on chance whether this comes first, or the look whether the lock still stands. */
  async #refreshWhenDue(): Promise<void> {
    await this.#process.wake()
    const { isOld, dice } = this.#process
    if (!isOld && this.#isOverdue() && dice.happens(0.7)) return
    await this.#refresh()
  }

  #isOverdue(): boolean {
    return this.#process.situation.time.now - this.#refreshedAt >= refreshableMs
  }

  async #refresh(): Promise<void> {
    if (this.#isOver) return
    this.#refreshes += 1
    const fresh = newLock(this.#process, this.#isExclusive, `${this.#refreshes}`)
    if (!(await this.#process.post(fresh))) return
    const old = this.#lock
    this.#lock = fresh
    this.#refreshedAt = this.#process.situation.time.now
    await this.#process.deleteOnce(old)
  }

  /** Asked before a request of the work; restic up to 0.15 never asks. */
  async #isLost(): Promise<boolean> {
    if (this.#process.isOld || this.#isOver) return false
    return this.#oneAfterAnother(() => this.#isGone())
  }

  async #isGone(): Promise<boolean> {
    const { situation } = this.#process
    if (this.#isOver || !this.#isOverdue()) return false
    this.#refreshedAt = situation.time.now
    const standing = await this.#process.list('locks')
    if (!standing.includes(this.#lock)) return true
    await this.#refresh()
    return false
  }
}
