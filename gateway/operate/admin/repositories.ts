/** Knows how what an operator names is found: repositories, writers, items. */
import { parseItemId, parseWriterId } from '../../../fencing/journal/event.js'
import type { Item } from '../../../fencing/state/item.js'
import type { RepositoryId } from '../../../fencing/object.js'
import { BackendError, type JournalStore, type ObjectStore } from '../../../fencing/ports.js'
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import type { Writer } from '../../../fencing/state/writer.js'
import type { Fences } from '../../gate/fences.js'
import { AdminError } from './admin.js'
import type { DiskLook } from './disk-looks.js'
import { displayName, parseName } from './names.js'

export interface RepositoriesOptions {
  readonly store: ObjectStore
  readonly journal: JournalStore
  readonly fences: Fences
}

export class Repositories {
  readonly #options: RepositoriesOptions

  constructor(options: RepositoriesOptions) {
    this.#options = options
  }

  /** All that have a journal, in order. */
  async journalled(): Promise<RepositoryId[]> {
    return (await asked(() => this.#options.journal.repositories())).sort()
  }

  /** All that have a journal or a folder, in order. */
  async all(look?: DiskLook): Promise<RepositoryId[]> {
    const standing =
      look?.repositories ?? (await asked(() => this.#options.store.repositories()))
    // A journal that cannot be read is told with each repository.
    const journalled = await this.#options.journal.repositories().catch(() => [])
    return [...new Set([...standing, ...journalled])].sort()
  }

  /** The one that is named, where its journal is loaded: no disk need be looked at. */
  loaded(name: string | undefined): RepositoryId[] | undefined {
    const repository = name === undefined ? undefined : parseName(name)
    if (repository === undefined) return undefined
    const fence = this.#options.fences.lastKnown(repository)
    return fence === undefined ? undefined : [repository]
  }

  /** The names that are meant: all of them, without a name. */
  async named(name: string | undefined, among: RepositoryId[]): Promise<RepositoryId[]> {
    if (name === undefined) return among
    const repository = parseName(name)
    if (repository !== undefined && among.includes(repository)) return [repository]
    throw new AdminError('unknown-repository', unknownRepository(name, among))
  }

  async fence(repository: RepositoryId): Promise<RepositoryFence> {
    const fence = await asked(() => this.#options.fences.of(repository))
    if (fence !== undefined) return fence
    throw new AdminError('unknown-repository', unknownRepository(repository, await this.all()))
  }

  /** The fences of all repositories that have a journal which can be read. */
  async fences(): Promise<RepositoryFence[]> {
    const fences: RepositoryFence[] = []
    for (const repository of await this.journalled()) {
      const fence = await this.#options.fences.of(repository).catch(() => undefined)
      if (fence !== undefined) fences.push(fence)
    }
    return fences
  }

  async writer(text: string): Promise<{ fence: RepositoryFence; writer: Writer }> {
    const { repository, id } = splitId(text)
    const writerId = parseWriterId(id)
    if (writerId === undefined) {
      throw new AdminError(
        'malformed-question',
        `"${id}" is no id of a writer; they look like w-1f3a9c2e`,
      )
    }
    const found = (await this.fences()).flatMap((fence) => {
      const writer = fence.state.writers.get(writerId)
      if (writer === undefined || !isMeant(fence, repository)) return []
      return [{ fence, writer }]
    })
    return only(found, text, 'writer', 'lockkeeper status')
  }

  async item(text: string): Promise<{ fence: RepositoryFence; item: Item }> {
    const { repository, id } = splitId(text)
    const itemId = parseItemId(id)
    if (itemId === undefined) {
      throw new AdminError(
        'malformed-question',
        `"${id}" is no id of an item; they look like q-4f2a1c`,
      )
    }
    const found = (await this.fences()).flatMap((fence) => {
      const item = fence.state.items.get(itemId)
      return item === undefined || !isMeant(fence, repository) ? [] : [{ fence, item }]
    })
    return only(found, text, 'item', 'lockkeeper quarantine list --all')
  }
}

/** Faults of the world are told as such. */
export async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    throw unavailable(error)
  }
}

export function unavailable(error: BackendError): AdminError {
  return new AdminError('unavailable', error.message, { cause: error })
}

/** Ids are random per repository: two may share one, and then the repository is put before it. */
function splitId(text: string): { repository?: RepositoryId | undefined; id: string } {
  const colon = text.lastIndexOf(':')
  if (colon < 0) return { id: text }
  return { repository: parseName(text.slice(0, colon)), id: text.slice(colon + 1) }
}

function isMeant(fence: RepositoryFence, repository: RepositoryId | undefined): boolean {
  return repository === undefined || fence.repository === repository
}

function only<T extends { readonly fence: RepositoryFence }>(
  found: readonly T[],
  text: string,
  what: 'writer' | 'item',
  where: string,
): T {
  const [first, ...others] = found
  if (first === undefined) {
    throw new AdminError(
      `unknown-${what}`,
      `there is no ${what} ${text}; "${where}" lists them`,
    )
  }
  if (others.length === 0) return first
  const ways = found.map(({ fence }) => `${displayName(fence.repository)}:${text}`).join(' or ')
  throw new AdminError(
    'several-match',
    `several repositories have a ${what} ${text}; say ${ways}`,
  )
}

function unknownRepository(name: string, known: readonly RepositoryId[]): string {
  const shown = known.slice(0, 10).map(displayName).join(', ')
  const names = known.length > 10 ? `${shown} …` : shown
  const there = known.length === 0 ? 'there is none yet' : `there are: ${names}`
  return `there is no repository "${name}"; ${there}`
}
