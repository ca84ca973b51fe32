/** Keeps the WebDAV locks on plain files: who holds which, and for how long. They live as long as the gateway runs. */
import { randomUUID } from 'node:crypto'
import type { PlainPath } from './plain-files.js'

export type Scope = 'exclusive' | 'shared'

export interface Lock {
  readonly token: string
  readonly root: PlainPath
  /** Everything below its root is locked too. */
  readonly isDeep: boolean
  readonly scope: Scope
  /** What the client said of its owner, as XML that can stand anywhere. */
  readonly owner: string
  /** The authenticated user, where there is one: nobody else can use the token. */
  readonly user?: string
  /** Whose share it is of: the user, or where nobody logs in the address. */
  readonly holder: string
  /** Monotonic milliseconds. */
  expiresAt: number
}

export type LockWish = Pick<Lock, 'root' | 'isDeep' | 'scope' | 'owner' | 'user' | 'holder'>

const locksMax = 1000
/** Of a user, so that others find room however many it takes. */
const locksOfUserMax = 250
const locksOfOneMax = 32
const defaultTimeoutMs = 10 * 60_000
const timeoutMaxMs = 60 * 60_000

export class LockTable {
  readonly #monotonic: () => number
  readonly #locks = new Map<string, Lock>()

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  /** `full` where the table has no room; otherwise the locks that stand in the way, if any do. */
  take(wish: LockWish, timeoutMs: number | undefined): Lock | 'full' | readonly Lock[] {
    const others = wish.isDeep ? this.atOrBelow(wish.root) : []
    const near = [...new Set([...this.on(wish.root), ...others])]
    const rivals = near.filter(
      ({ scope }) => wish.scope === 'exclusive' || scope === 'exclusive',
    )
    if (rivals.length > 0) return rivals
    if (this.#locks.size >= locksMax || near.length >= locksOfOneMax) return 'full'
    if (this.#countOf(wish.holder) >= locksOfUserMax) return 'full'
    const token = `urn:uuid:${randomUUID()}`
    const lock = { ...wish, token, expiresAt: this.#monotonic() + bounded(timeoutMs) }
    this.#locks.set(token, lock)
    return lock
  }

  refresh(lock: Lock, timeoutMs: number | undefined): void {
    lock.expiresAt = this.#monotonic() + bounded(timeoutMs)
  }

  get(token: string): Lock | undefined {
    this.#expire()
    return this.#locks.get(token)
  }

  drop(lock: Lock): void {
    this.#locks.delete(lock.token)
  }

  /** The locks that cover a path. */
  on(path: PlainPath): Lock[] {
    return this.#all().filter(({ root, isDeep }) => {
      return isWithin(root, path) && (isDeep || root.length === path.length)
    })
  }

  /** The locks whose root is a path or lies below it. */
  atOrBelow(path: PlainPath): Lock[] {
    return this.#all().filter(({ root }) => isWithin(path, root))
  }

  /** What was removed or moved away takes its locks with it. */
  dropAtOrBelow(path: PlainPath): void {
    for (const lock of this.atOrBelow(path)) this.drop(lock)
  }

  secondsLeft(lock: Lock): number {
    return Math.max(0, Math.ceil((lock.expiresAt - this.#monotonic()) / 1000))
  }

  #countOf(holder: string): number {
    return this.#all().filter((lock) => lock.holder === holder).length
  }

  #all(): Lock[] {
    this.#expire()
    return [...this.#locks.values()]
  }

  #expire(): void {
    const now = this.#monotonic()
    for (const lock of this.#locks.values()) if (lock.expiresAt <= now) this.drop(lock)
  }
}

function bounded(timeoutMs: number | undefined): number {
  return Math.min(timeoutMs ?? defaultTimeoutMs, timeoutMaxMs)
}

function isWithin(folder: PlainPath, path: PlainPath): boolean {
  return folder.every((name, depth) => path[depth] === name)
}
