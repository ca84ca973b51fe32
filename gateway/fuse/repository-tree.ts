/** Knows which folders of a mount are repositories, lead to some, or are about to become one. */
import type { RepositoryId } from '../../fencing/object.js'
import { CallError, errnoOfAnswer } from './errno.js'
import { repositoriesPath, type GatewayAddress } from './gateway-address.js'
import { Lines } from './lines.js'

/** Others create repositories too; who makes one here sees it at once. */
const freshMs = 1_000
/** Folders that were made and are not yet repositories live in this process alone. */
const intendedMax = 256

export type FolderKind = 'repository' | 'way' | 'intended'

export class RepositoryTree {
  readonly #lines: Lines
  readonly #intended = new Set<string>()
  /** Made here, and not yet seen in an answer. */
  readonly #created = new Set<string>()
  #known: ReadonlySet<string> = new Set()
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(address: GatewayAddress) {
    this.#lines = new Lines(address)
  }

  async kindOf(folder: RepositoryId): Promise<FolderKind | undefined> {
    await this.#refresh()
    if (this.#known.has(folder) || this.#created.has(folder)) return 'repository'
    const isWay = this.#all().some((id) => isBelow(id, folder))
    if (isWay || folder === '') return 'way'
    return this.#intended.has(folder) ? 'intended' : undefined
  }

  /** The names of the folders right below one. */
  async namesBelow(folder: RepositoryId): Promise<readonly string[]> {
    await this.#refresh()
    const below = this.#all().filter((id) => isBelow(id, folder))
    const prefix = folder === '' ? 0 : folder.length + 1
    return [...new Set(below.map((id) => id.slice(prefix).split('/')[0] ?? ''))]
  }

  intend(folder: RepositoryId): void {
    if (this.#intended.size >= intendedMax) throw new CallError('ENOSPC')
    this.#intended.add(folder)
  }

  forget(folder: RepositoryId): void {
    this.#intended.delete(folder)
  }

  /** It was made a repository here. */
  created(folder: RepositoryId): void {
    this.#intended.delete(folder)
    this.#created.add(folder)
  }

  close(): void {
    this.#lines.close()
  }

  #all(): string[] {
    return [...this.#known, ...this.#created, ...this.#intended]
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#askedAt < freshMs) return
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    await this.#asking
  }

  async #ask(): Promise<void> {
    const askedAt = performance.now()
    const answer = await this.#lines.ask({
      line: 'first',
      method: 'GET',
      path: repositoriesPath,
    })
    if (answer.status !== 200) {
      throw new CallError(errnoOfAnswer(answer.status, undefined), answer.body.toString())
    }
    const ids: unknown = JSON.parse(answer.body.toString())
    if (!Array.isArray(ids)) throw new Error('the list of repositories must be an array')
    this.#known = new Set(ids.map(String))
    for (const id of this.#known) this.#created.delete(id)
    this.#askedAt = askedAt
  }
}

function isBelow(id: string, folder: RepositoryId): boolean {
  return id !== folder && (folder === '' ? id !== '' : id.startsWith(`${folder}/`))
}
