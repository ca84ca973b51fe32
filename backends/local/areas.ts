/** Knows where bytes are held, being received or in quarantine: always on the file system of their target. */
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import {
  listedTypes,
  stateFolderName,
  type ObjectType,
  type RepositoryId,
} from '../../fencing/object.js'
import { BackendError, type Held } from '../../fencing/ports.js'
import type { Reserves } from '../reserve.js'
import type { Disk } from './disk.js'
import { errnoOf, unless } from './faults.js'
import { privateModes, type Folders } from './folders.js'

const idPattern = /^[a-z0-9-]+$/
const separator = '.'

export class Areas {
  readonly #disk: Disk
  readonly #folders: Folders
  readonly #stateFolder: string
  readonly #chosen = new Map<string, Promise<string>>()
  /** The state folders in which bytes of a repository may be held. */
  readonly #used = new Map<RepositoryId, Promise<Set<string>>>()

  readonly #reserves: Reserves

  constructor(options: {
    disk: Disk
    folders: Folders
    stateFolder: string
    reserves: Reserves
  }) {
    this.#reserves = options.reserves
    this.#disk = options.disk
    this.#folders = options.folders
    this.#stateFolder = options.stateFolder
  }

  /** Where bytes that are to become an object of this type are held; its folders are made. */
  async choose(repository: RepositoryId, type: ObjectType): Promise<string> {
    const key = `${repository}/${type}`
    const choosing = this.#chosen.get(key) ?? this.#choose(repository, type)
    this.#chosen.set(key, choosing)
    try {
      const state = await choosing
      ;(await this.#usedBy(repository)).add(state)
      return state
    } catch (error) {
      this.#chosen.delete(key)
      throw error
    }
  }

  /** A move found another file system than the chosen one (a mount came or went): the next choice looks again. */
  forget(repository: RepositoryId, type: ObjectType): void {
    this.#chosen.delete(`${repository}/${type}`)
  }

  /** The state folders to look into for held bytes. */
  async of(repository: RepositoryId): Promise<string[]> {
    return [...(await this.#usedBy(repository))]
  }

  folder(state: string, area: Held['area']): string {
    return join(state, area)
  }

  /** Repositories share a folder, so each one's files carry a digest of its name. */
  path(state: string, repository: RepositoryId, { area, id }: Held): string {
    if (!idPattern.test(id))
      throw new BackendError('not-allowed', `no name of held bytes: ${id}`)
    return join(this.folder(state, area), `${prefixOf(repository)}${id}`)
  }

  /** The id in a file's name, where it is one of this repository's. */
  idIn(repository: RepositoryId, name: string): string | undefined {
    const prefix = prefixOf(repository)
    if (!name.startsWith(prefix)) return undefined
    const id = name.slice(prefix.length)
    return idPattern.test(id) ? id : undefined
  }

  async #choose(repository: RepositoryId, type: ObjectType): Promise<string> {
    const target = await this.#nearest(repository, type)
    for (const state of this.#candidates(repository, type)) {
      const stands = await unless(['ENOENT'], undefined, this.#disk.stat(state))
      const place = stands === undefined ? dirname(state) : state
      if (!(await this.#isSameFileSystem(place, target))) continue
      if (stands !== undefined) await this.#reserves.add(state)
      await this.#makeAreas(state)
      if (stands === undefined) await this.#reserves.add(state)
      return state
    }
    throw new BackendError('unavailable', `"${target}" shares its file system with no folder`)
  }

  /** The gateway's own first; then beside the repositories, in the repository, and in the type's folder. */
  #candidates(repository: RepositoryId, type: ObjectType): string[] {
    const repositoryFolder = this.#folders.of(repository)
    const places = [this.#folders.root, repositoryFolder]
    if (type !== 'config') places.push(join(repositoryFolder, type))
    const beside = places.map((place) => join(place, stateFolderName))
    return [...new Set([this.#stateFolder, ...beside])]
  }

  async #nearest(repository: RepositoryId, type: ObjectType): Promise<string> {
    const repositoryFolder = this.#folders.of(repository)
    const folder = join(repositoryFolder, type)
    if (type !== 'config' && (await this.#folders.isThere(folder))) return folder
    if (await this.#folders.isThere(repositoryFolder)) return repositoryFolder
    throw new BackendError('not-found', `there is no repository "${repository}"`)
  }

  /**
   * Two folders of one device can be two mounts of it, between which nothing can be moved either; Linux says so before
   * it looks for the file, so asking it to move one that does not exist changes nothing.
   */
  async #isSameFileSystem(one: string, other: string): Promise<boolean> {
    const [a, b] = await Promise.all([this.#disk.stat(one), this.#disk.stat(other)])
    if (a.dev !== b.dev) return false
    const absent = `${stateFolderName}-absent`
    try {
      await this.#disk.rename(join(one, absent), join(other, absent))
    } catch (error) {
      return errnoOf(error) !== 'EXDEV'
    }
    return true
  }

  async #makeAreas(state: string): Promise<void> {
    const base = dirname(state)
    for (const area of ['staging', 'quarantine'] as const) {
      await this.#folders.make(this.folder(state, area), base, privateModes.folder)
    }
  }

  #usedBy(repository: RepositoryId): Promise<Set<string>> {
    const looking = this.#used.get(repository) ?? this.#look(repository)
    this.#used.set(repository, looking)
    looking.catch(() => this.#used.delete(repository))
    return looking
  }

  async #look(repository: RepositoryId): Promise<Set<string>> {
    const used = new Set<string>()
    const all = listedTypes.flatMap((type) => this.#candidates(repository, type))
    for (const state of new Set(all)) {
      const isThere = await unless(['ENOENT'], undefined, this.#disk.stat(state))
      if (isThere?.isDirectory() === true) used.add(state)
    }
    return used
  }
}

function prefixOf(repository: RepositoryId): string {
  const digest = createHash('sha256').update(repository).digest('hex')
  return `${digest.slice(0, 32)}${separator}`
}
