/**
 * Keeps what was served while the journal could not record it: processes that began, and listings. It is made up for
 * before anything else is decided in the repository, so no write follows on what the journal does not know.
 */
import { isExitAfter, type Channel } from '../../fencing/evidence/presence.js'
import type { ListedType, RepositoryId } from '../../fencing/object.js'
import type { Clock } from '../../fencing/ports.js'
import type { WriterId } from '../../fencing/journal/event.js'
import type {
  Belated,
  MissedLook,
  RepositoryFence,
  Told,
} from '../../fencing/repository-fence.js'
import type { View } from '../../fencing/rules/opening.js'

/** In each repository; who comes beyond them is not served. */
const openingsMax = 256
/** Whose channel has closed as at an exit so long ago writes nothing any more. */
const exitedMs = 10 * 60_000

interface Opening extends Belated {
  readonly channelId: string
  lastHeardAt: number
}

export class Unrecorded {
  readonly #clock: Clock
  readonly #openings = new Map<RepositoryId, Opening[]>()
  readonly #listings = new Map<RepositoryId, MissedLook>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether anything is still to be recorded there. */
  has(repository: RepositoryId): boolean {
    return this.#openings.has(repository) || this.#listings.has(repository)
  }

  /** A process begins. False where there are too many already. */
  opened(repository: RepositoryId, channel: Channel, told: Told, view: View): boolean {
    const bornAt = this.#clock.monotonic()
    const known = this.#openings.get(repository) ?? []
    const openings = known.filter(({ exitedAt }) => bornAt - (exitedAt ?? bornAt) < exitedMs)
    if (openings.length >= openingsMax) return false
    const { id: channelId } = channel
    openings.push({ channel, channelId, told, view, bornAt, lastHeardAt: bornAt })
    this.#openings.set(repository, openings)
    return true
  }

  /** Something is read on a channel. */
  heard(repository: RepositoryId, channelId: string): void {
    for (const opening of this.#openings.get(repository) ?? []) {
      if (opening.channelId === channelId) opening.lastHeardAt = this.#clock.monotonic()
    }
  }

  /** By one of these writers, or by anybody. Packs are listed by maintenances only, and say the most. */
  listed(repository: RepositoryId, type: ListedType, by?: ReadonlySet<WriterId>): void {
    if (type === 'locks' || type === 'keys') return
    const before = this.#listings.get(repository)
    const listing = before?.listing === 'data' ? 'data' : type
    const isAnybody = by === undefined || (before !== undefined && before.writers === undefined)
    const writers = new Set([...(before?.writers ?? []), ...(by ?? [])])
    this.#listings.set(repository, isAnybody ? { listing } : { listing, writers })
  }

  /** Its process may have exited, or have lost this channel only. */
  closed(channelId: string, byClient: boolean): void {
    const now = this.#clock.monotonic()
    for (const [repository, openings] of this.#openings) {
      const left = openings.map((opening): Opening => {
        const { channel, lastHeardAt } = opening
        if (channel?.id !== channelId) return opening
        const isExit = byClient && isExitAfter(channel, now - lastHeardAt)
        return { ...opening, channel: undefined, ...(isExit ? { exitedAt: now } : {}) }
      })
      this.#openings.set(repository, left)
    }
  }

  /** Throws what recording throws; then it is still to be made up for. */
  async makeUp(fence: RepositoryFence): Promise<void> {
    const { repository } = fence
    if (!this.has(repository)) return
    const openings = this.#openings.get(repository) ?? []
    const missed = this.#listings.get(repository)
    this.#openings.delete(repository)
    this.#listings.delete(repository)
    try {
      await fence.makeUp(openings, missed)
    } catch (error) {
      this.#keep(repository, [...openings, ...(this.#openings.get(repository) ?? [])])
      if (missed !== undefined) this.listed(repository, missed.listing, missed.writers)
      throw error
    }
  }

  #keep(repository: RepositoryId, openings: Opening[]): void {
    if (openings.length === 0) this.#openings.delete(repository)
    else this.#openings.set(repository, openings)
  }
}
