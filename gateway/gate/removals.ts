/**
 * Knows how removals share what makes them durable: a prune of 50,000 packs is 50,000 names gone from 256 folders.
 *
 * A removal is recorded, durably, before it comes here, and is not settled before its folder was synced: after a crash it
 * is carried out once more. So a client may hear of it as soon as the name is gone.
 */
import type { Recorded } from '../../fencing/journal/journal.js'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import type { ObjectStore } from '../../fencing/ports.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'

/** A sync of a folder costs as much as a hundred removals, and packs are spread over 256 of them: long enough to share it. */
const waitMs = 3_000
/** So many are synced at once; so a state has no more than about as many that are not settled. */
const waitingMax = 6_000

export interface RemovalsOptions {
  readonly store: ObjectStore
  /** Takes what could not be made durable; it is to be carried out again. Never throws. */
  readonly onFailed: (fence: RepositoryFence, recorded: Recorded[], error: unknown) => void
}

/** Of one repository: its disk may be slow, or hang, and the others' is not. */
interface Waiting {
  removed: Map<ObjectName, Recorded>
  timer: NodeJS.Timeout | undefined
  syncing: Promise<void>
}

export class Removals {
  readonly #options: RemovalsOptions
  readonly #waiting = new Map<RepositoryFence, Waiting>()

  constructor(options: RemovalsOptions) {
    this.#options = options
  }

  /** Removes what the event names, and answers true; false where that is for the caller to do. */
  async take(fence: RepositoryFence, recorded: Recorded): Promise<boolean> {
    const { unlink, syncUnlinked } = this.#options.store
    const { event } = recorded
    if (event.kind !== 'deleted' || unlink === undefined || syncUnlinked === undefined)
      return false
    // Whether the indexes changed past the gateway is asked when nothing is pending; nor are these many.
    if (!['data', 'locks'].includes(typeOf(event.object))) return false
    await unlink(fence.repository, event.object)
    const waiting = this.#waitingOf(fence)
    // Where the name came back and went again meanwhile, the earlier record is no longer wanted.
    const earlier = waiting.removed.get(event.object)
    waiting.removed.set(event.object, recorded)
    if (waiting.removed.size < waitingMax)
      waiting.timer ??= setTimeout(() => void this.#sync(fence), waitMs)
    if (earlier !== undefined) await fence.settle(earlier)
    if (waiting.removed.size >= waitingMax) await this.#sync(fence)
    return true
  }

  /** Resolves when all that was taken is durable and settled, or has failed. */
  async sync(): Promise<void> {
    await Promise.all(Array.from(this.#waiting.keys(), (fence) => this.#sync(fence)))
  }

  #waitingOf(fence: RepositoryFence): Waiting {
    const known = this.#waiting.get(fence)
    if (known !== undefined) return known
    const made: Waiting = {
      removed: new Map(),
      timer: undefined,
      syncing: Promise.resolve(),
    }
    this.#waiting.set(fence, made)
    return made
  }

  async #sync(fence: RepositoryFence): Promise<void> {
    const waiting = this.#waitingOf(fence)
    clearTimeout(waiting.timer)
    waiting.timer = undefined
    const { removed } = waiting
    waiting.removed = new Map()
    const synced = waiting.syncing.then(() => this.#syncOne(fence, removed))
    waiting.syncing = synced
    await synced
    // One that was loaded again has another fence.
    const isIdle = waiting.syncing === synced && waiting.removed.size === 0
    if (isIdle) this.#waiting.delete(fence)
  }

  async #syncOne(
    fence: RepositoryFence,
    removed: ReadonlyMap<ObjectName, Recorded>,
  ): Promise<void> {
    const { store, onFailed } = this.#options
    const { repository } = fence
    if (removed.size === 0) return
    try {
      await store.syncUnlinked?.(repository, [...removed.keys()])
      await fence.settle(...removed.values())
    } catch (error) {
      onFailed(fence, [...removed.values()], error)
    }
  }
}
