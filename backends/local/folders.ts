/** Finds and makes the folders of restic's layout on disk, and follows no link below the root. */
import { dirname, join } from 'node:path'
import {
  digestOf,
  listedTypes,
  typeOf,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import type { Disk } from './disk.js'
import { unless } from './faults.js'
import { linked } from './open-folders.js'
import type { FolderSync } from './folder-sync.js'

export interface Modes {
  readonly folder: number
  readonly file: number
}

/** As rest-server makes them; the process's umask is taken off, as it is there. */
export const privateModes: Modes = { folder: 0o700, file: 0o600 }
export const groupModes: Modes = { folder: 0o770, file: 0o660 }

const shards = Array.from({ length: 256 }, (_, number) => number.toString(16).padStart(2, '0'))

export class Folders {
  readonly #disk: Disk
  readonly #sync: FolderSync
  readonly #modes: Modes
  readonly #durable = new Set<string>()
  readonly #sharding = new Map<RepositoryId, Promise<void>>()
  /** Without any link in it. */
  readonly root: string

  constructor(options: { disk: Disk; sync: FolderSync; modes: Modes; root: string }) {
    this.#disk = options.disk
    this.#sync = options.sync
    this.#modes = options.modes
    this.root = options.root
  }

  of(repository: RepositoryId): string {
    return repository === '' ? this.root : join(this.root, repository)
  }

  /** restic reads packs only in the folder of their first two digits, and so do we. */
  pathOf(repository: RepositoryId, object: ObjectName): string {
    const type = typeOf(object)
    const digest = digestOf(object)
    if (digest === undefined) return join(this.of(repository), type)
    const folder = join(this.of(repository), type)
    return type === 'data' ? join(folder, digest.slice(0, 2), digest) : join(folder, digest)
  }

  /**
   * False where the folder is missing. A link in its path below the root is refused, also one that stays inside: it
   * would give one repository two names, hence two journals that know nothing of each other.
   */
  async isThere(folder: string): Promise<boolean> {
    const found = await unless(['ENOENT'], undefined, this.#disk.stat(folder))
    if (found === undefined) {
      // It may be missing behind a link, which is refused all the same.
      if (folder !== this.root) await this.isThere(dirname(folder))
      return false
    }
    if (found.isSymbolicLink()) throw linked(folder)
    if (!found.isDirectory()) {
      const cause = Object.assign(new Error('a file is in the way'), { code: 'ENOTDIR' })
      throw new BackendError('not-allowed', `"${folder}" is no folder`, { cause })
    }
    return true
  }

  /** Makes a repository's folders; those that stand are left as they are. */
  async create(repository: RepositoryId): Promise<void> {
    const folder = this.of(repository)
    for (const type of listedTypes) this.forget(join(folder, type))
    for (const type of listedTypes) await this.make(join(folder, type), this.root)
  }

  /**
   * Makes the folder of an object where it is missing. With the first pack all folders of packs are made: together they
   * cost one sync, and before they are needed each repository would take 256 inodes for nothing.
   */
  async makeFor(repository: RepositoryId, object: ObjectName): Promise<void> {
    const folder = dirname(this.pathOf(repository, object))
    if (this.#durable.has(folder)) return
    if (typeOf(object) === 'data' && !(await this.isThere(folder))) {
      await this.#makeShards(repository)
    }
    await this.make(folder, this.of(repository))
  }

  /** Once for all who come at about the same time. */
  #makeShards(repository: RepositoryId): Promise<void> {
    const making = this.#sharding.get(repository) ?? this.#makeAllShards(repository)
    this.#sharding.set(repository, making)
    const end = (): void => {
      this.#sharding.delete(repository)
    }
    making.then(end, end)
    return making
  }

  async #makeAllShards(repository: RepositoryId): Promise<void> {
    const folder = this.of(repository)
    const data = join(folder, 'data')
    await this.make(data, folder)
    await Promise.all(
      shards.map((shard) => this.#makeOne(join(data, shard), this.#modes.folder)),
    )
    await this.#sync.sync(data)
  }

  /**
   * Makes a folder and those between it and `base`, which must stand (where a disk is not mounted, nothing is made in
   * its place). All their names are durable then, also where an earlier run made them and died before it synced. What
   * stood once is believed to stand until it is forgotten.
   */
  async make(folder: string, base: string, mode = this.#modes.folder): Promise<void> {
    if (this.#durable.has(folder)) return
    const stands = await this.isThere(folder)
    if (folder === base) {
      if (!stands) throw new BackendError('not-found', `there is no folder "${folder}"`)
      return
    }
    const above = dirname(folder)
    await this.make(above, base, mode)
    if (!stands) await this.#makeOne(folder, mode)
    await this.#sync.sync(above)
    this.#durable.add(folder)
  }

  /** To be called when a folder, or one that it lies in, turned out to be gone. */
  forget(folder: string): void {
    for (let path = folder; path !== dirname(path); path = dirname(path)) {
      this.#durable.delete(path)
    }
  }

  async #makeOne(folder: string, mode: number): Promise<void> {
    await unless(['EEXIST'], undefined, this.#disk.makeFolder(folder, mode))
    await this.isThere(folder)
  }
}
