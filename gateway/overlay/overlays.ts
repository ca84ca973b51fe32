/** Knows the overlays that operators asked for, and on what proof of theirs an item may be released. */
import { LRUCache } from 'lru-cache'
import type { ReadProof } from '../../fencing/journal/event.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import { typeOf, type ObjectType, type RepositoryId } from '../../fencing/object.js'
import type { ObjectStore, Random } from '../../fencing/ports.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import { isOpen, type Item } from '../../fencing/state/item.js'
import { isLeanedOn, Overlay, type OverlayId } from './overlay.js'

const overlaysMax = 64
/** A check of a large repository through a slow line takes days. */
const unusedMs = 7 * 24 * 60 * 60_000
/** What leans on nothing comes first: an index names packs, and a snapshot needs what indexes name. */
const order: readonly ObjectType[] = ['data', 'index', 'snapshots']

export interface OverlaysOptions {
  readonly store: ObjectStore
  readonly random: Random
}

export class Overlays {
  readonly #options: OverlaysOptions
  readonly #known = new LRUCache<OverlayId, Overlay>({
    max: overlaysMax,
    ttl: unusedMs,
    updateAgeOnGet: true,
  })

  constructor(options: OverlaysOptions) {
    this.#options = options
  }

  /** The overlay with just these items, which is the same one however often it is asked for. */
  open(fence: RepositoryFence, items: readonly Item[]): Overlay {
    const wanted = new Set(items)
    const same = this.#all().find((overlay) => {
      const isSame = overlay.items.length === wanted.size
      return isSame && overlay.items.every((item) => wanted.has(item))
    })
    if (same !== undefined) return same
    const { store, random } = this.#options
    const id = random.hex(8) as OverlayId
    const overlay = new Overlay({ id, store, fence, items: [...wanted] })
    this.#known.set(id, overlay)
    return overlay
  }

  get(id: string): Overlay | undefined {
    return this.#known.get(id as OverlayId)
  }

  find(id: string, repository: RepositoryId): Overlay | undefined {
    const overlay = this.get(id)
    return overlay?.repository === repository ? overlay : undefined
  }

  /** All that it leans on may be among the items beside it, so those come first. */
  proofOf(item: Item): ReadProof | undefined {
    return this.#all()
      .filter(({ items }) => items.includes(item) && !hasEarlier(items, item))
      .map(({ proof }) => proof)
      .find((proof) => proof !== undefined)
  }

  /** A channel of any client has closed. */
  closed(channel: string): void {
    for (const overlay of this.#all()) overlay.closed(channel)
  }

  /** A record of any repository is durable. */
  readonly observe = (repository: RepositoryId, { event }: Recorded): void => {
    const isSpoiling =
      (event.kind === 'deleted' && isLeanedOn(event.object)) ||
      (event.kind === 'outside' && event.vanished.length > 0)
    const gone = event.kind === 'discarded' || event.kind === 'evicted' ? event.item : undefined
    for (const overlay of this.#all()) {
      const isConcerned = isSpoiling || overlay.items.some(({ id }) => id === gone)
      if (overlay.repository === repository && isConcerned) overlay.spoil()
    }
  }

  #all(): Overlay[] {
    return [...this.#known.values()]
  }
}

function hasEarlier(items: readonly Item[], item: Item): boolean {
  const rank = order.indexOf(typeOf(item.object))
  return items.some((one) => isOpen(one) && order.indexOf(typeOf(one.object)) < rank)
}
