/** Knows which writer each process is, in each repository, and ends it with its process. */
import type { RepositoryId } from '../../fencing/object.js'
import type { CallingProcess } from './calling-process.js'
import type { GatewayAddress } from './gateway-address.js'
import { Opening } from './opening.js'
import type { Caller } from './operations.js'

export interface OpeningsOptions {
  readonly address: GatewayAddress
  readonly onRefused: (sentence: string, object: string) => void
}

interface Use {
  opening: Opening
  count: number
}

const unknownName = ''

export class Openings {
  readonly #options: OpeningsOptions
  readonly #uses = new Map<string, Map<RepositoryId, Use>>()

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  of(caller: Caller, repository: RepositoryId): Opening {
    return this.#useOf(caller, repository).opening
  }

  /** For a look at the config: a process that has let go of its locks and looks again is a new writer. */
  renewed(caller: Caller, repository: RepositoryId): Opening {
    const use = this.#useOf(caller, repository)
    if (use.opening.hasLetGo) {
      use.opening.close()
      use.count += 1
      use.opening = this.#open(caller, repository, use.count)
    }
    return use.opening
  }

  exited(process: CallingProcess): void {
    const uses = this.#uses.get(process.name)
    this.#uses.delete(process.name)
    for (const { opening } of uses?.values() ?? []) opening.close()
  }

  close(): void {
    for (const uses of this.#uses.values()) {
      for (const { opening } of uses.values()) opening.close()
    }
    this.#uses.clear()
  }

  #useOf(caller: Caller, repository: RepositoryId): Use {
    const name = caller?.name ?? unknownName
    let uses = this.#uses.get(name)
    if (uses === undefined) {
      uses = new Map()
      this.#uses.set(name, uses)
    }
    let use = uses.get(repository)
    if (use === undefined) {
      use = { opening: this.#open(caller, repository, 1), count: 1 }
      uses.set(repository, use)
    }
    return use
  }

  /** The same name after a restart of the mount, for a process that goes on as if nothing had happened. */
  #open(caller: Caller, repository: RepositoryId, count: number): Opening {
    const name = caller?.name
    const tag = name === undefined || count === 1 ? name : `${name}.${count}`
    return new Opening({ ...this.#options, repository, tag })
  }
}
