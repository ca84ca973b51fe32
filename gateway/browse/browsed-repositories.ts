/** Opens the repositories that the gateway has passwords of, each when it is asked for first, and says who may browse. */
import type { PasswordSource, RepositorySettings } from '../../config/repository-settings.js'
import type { RepositoryId } from '../../fencing/object.js'
import { FormatError } from '../../formats/restic/format-error.js'
import type { RepositoryFiles } from '../../formats/restic/ports.js'
import { openRepository } from '../../formats/restic/repository.js'
import { BrowsedRepository } from './browsed-repository.js'
import { PasswordError, readPassword } from './passwords.js'

/** Why a repository stays closed, in a sentence for its user. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError'
}

export interface BrowsingOptions {
  readonly repositories: readonly RepositorySettings[]
  readonly filesOf: (repository: RepositoryId) => RepositoryFiles
  readonly monotonic: () => number
}

/** After a failure the password is not asked for, and no core spent on it, for so long. */
const closedMs = 10_000

export class BrowsedRepositories {
  readonly #options: BrowsingOptions
  readonly #opened = new Map<string, Promise<BrowsedRepository>>()

  constructor(options: BrowsingOptions) {
    this.#options = options
  }

  /** Those that a user may browse, by name; who comes in without a name is undefined. */
  namesFor(user: string | undefined): string[] {
    return this.#options.repositories
      .filter(({ browsers }) => isAmong(browsers, user))
      .map(({ repository }) => repository)
      .sort()
  }

  /** Undefined where there is none that this user may browse; throws a ClosedError where it cannot be opened. */
  async open(
    repository: string,
    user: string | undefined,
  ): Promise<BrowsedRepository | undefined> {
    const settings = this.#options.repositories.find((one) => one.repository === repository)
    if (settings === undefined || !isAmong(settings.browsers, user)) return undefined
    const opened = this.#opened.get(repository) ?? this.#start(repository, settings.password)
    return opened
  }

  #start(repository: string, source: PasswordSource): Promise<BrowsedRepository> {
    const opening = this.#unlock(repository, source)
    this.#opened.set(repository, opening)
    opening.catch(() => {
      setTimeout(() => this.#opened.delete(repository), closedMs).unref()
    })
    return opening
  }

  async #unlock(repository: string, source: PasswordSource): Promise<BrowsedRepository> {
    const { filesOf, monotonic } = this.#options
    const name = repository === '' ? 'The root repository' : `Repository "${repository}"`
    try {
      const password = await readPassword(source)
      const files = filesOf(repository as RepositoryId)
      const opened = await openRepository(files, password).finally(() => password.fill(0))
      return new BrowsedRepository(opened, monotonic)
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof PasswordError)) throw error
      throw new ClosedError(`${name} cannot be opened: ${error.message}.`, { cause: error })
    }
  }
}

function isAmong(browsers: readonly string[] | undefined, user: string | undefined): boolean {
  return browsers === undefined || (user !== undefined && browsers.includes(user))
}
