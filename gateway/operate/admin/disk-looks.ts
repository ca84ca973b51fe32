/** Remembers for a minute which repositories lie on the disk, so that a page of all of them need not look at each. */
import type { ObjectName, RepositoryId } from '../../../fencing/object.js'
import { BackendError, type Clock, type ObjectStore } from '../../../fencing/ports.js'

export interface DiskLook {
  readonly repositories: readonly RepositoryId[]
  readonly withConfig: ReadonlySet<RepositoryId>
}

/** Longer than it takes until the next look; a look that hangs is not believed for long. */
const ageMaxMs = 60_000

export class DiskLooks {
  readonly #store: ObjectStore
  readonly #clock: Pick<Clock, 'monotonic'>
  #last: { readonly look: DiskLook; readonly time: number } | undefined
  #looking: Promise<void> | undefined

  constructor(store: ObjectStore, clock: Pick<Clock, 'monotonic'>) {
    this.#store = store
    this.#clock = clock
  }

  /** Undefined where nobody looked within a minute, or the disk could not be read. */
  get last(): DiskLook | undefined {
    if (this.#last === undefined) return undefined
    return this.#clock.monotonic() - this.#last.time > ageMaxMs ? undefined : this.#last.look
  }

  /** One repository after another, so that clients have the disk meanwhile; never two looks at once. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<void> {
    const time = this.#clock.monotonic()
    try {
      const repositories = await this.#store.repositories()
      const withConfig = new Set<RepositoryId>()
      for (const repository of repositories) {
        const found = await this.#store.stat(repository, 'config' as ObjectName)
        if (found !== undefined) withConfig.add(repository)
      }
      this.#last = { look: { repositories, withConfig }, time }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      // Whoever asks looks for himself, and is told of the fault.
      this.#last = undefined
    }
  }
}
