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

export class Removals {
  readonly #options: RemovalsOptions
  #waiting = new Map<RepositoryFence, Map<ObjectName, Recorded>>()
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #syncing: Promise<void> = Promise.resolve()

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
    const waiting = this.#waiting.get(fence) ?? new Map<ObjectName, Recorded>()
    // Where the name came back and went again meanwhile, the earlier record is no longer wanted.
    const earlier = waiting.get(event.object)
    this.#waiting.set(fence, waiting.set(event.object, recorded))
    if (earlier === undefined) this.#count += 1
    else await fence.settle(earlier)
    if (this.#count >= waitingMax) await this.sync()
    else this.#timer ??= setTimeout(() => void this.sync(), waitMs)
    return true
  }

  /** Resolves when all that was taken is durable and settled, or has failed. */
  async sync(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = this.#waiting
    this.#waiting = new Map()
    this.#count = 0
    this.#syncing = this.#syncing.then(async () => {
      for (const [fence, removed] of waiting) await this.#syncOne(fence, removed)
    })
    await this.#syncing
  }

  async #syncOne(
    fence: RepositoryFence,
    removed: ReadonlyMap<ObjectName, Recorded>,
  ): Promise<void> {
    const { store, onFailed } = this.#options
    const { repository } = fence
    try {
      await store.syncUnlinked?.(repository, [...removed.keys()])
      await fence.settle(...removed.values())
    } catch (error) {
      onFailed(fence, [...removed.values()], error)
    }
  }
}
