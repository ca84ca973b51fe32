/** Receives, publishes, keeps and drops held bytes. */
import { dirname } from 'node:path'
import {
  typeOf,
  type ObjectName,
  type ObjectType,
  type RepositoryId,
} from '../../fencing/object.js'
import {
  BackendError,
  type Held,
  type OpenObject,
  type OutsideWriter,
  type Staged,
} from '../../fencing/ports.js'
import type { Areas } from './areas.js'
import type { Disk } from './disk.js'
import { guarded, hasErrno, unless } from './faults.js'
import type { FolderSync } from './folder-sync.js'
import type { Folders } from './folders.js'
import { Mover, type Moved, withoutLinks } from './moving.js'
import { openFile, sizeOf } from './reading.js'
import { receive, receiveOutside, type Means, type Receiving } from './receiving.js'
import type { Room } from './room.js'

export interface HoldingOptions {
  readonly disk: Disk
  /** For the bytes of packs, which are no reason to give up the reserve. */
  readonly packDisk: Disk
  readonly room: Room
  readonly sync: FolderSync
  readonly folders: Folders
  readonly areas: Areas
  readonly fileMode: number
}

export interface StagedBody {
  readonly id: string
  readonly body: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal | undefined
  readonly type: ObjectType | undefined
}

type Place = Pick<Receiving, 'path' | 'mode' | 'more'>

export class Holding {
  readonly #options: HoldingOptions
  readonly #mover: Mover
  /** Where bytes lie that this run has received and not moved on: nobody needs to look for them. */
  readonly #received = new Map<string, string>()

  constructor(options: HoldingOptions) {
    this.#options = options
    this.#mover = new Mover(options.disk, options.sync)
  }

  async stage(
    repository: RepositoryId,
    { id, body, signal, type }: StagedBody,
  ): Promise<Staged> {
    return this.#stageAt(repository, { id, type }, (means, place) =>
      receive(means, { ...place, body, signal }),
    )
  }

  async stageOutside(
    repository: RepositoryId,
    place: { readonly id: string; readonly type: ObjectType },
    write: OutsideWriter,
  ): Promise<Staged> {
    return this.#stageAt(repository, place, (means, where) =>
      receiveOutside(means, where, write),
    )
  }

  async #stageAt(
    repository: RepositoryId,
    { id, type }: { readonly id: string; readonly type: ObjectType | undefined },
    receiveAt: (means: Means, place: Place) => Promise<Staged>,
  ): Promise<Staged> {
    const { areas, disk, packDisk, sync, room, fileMode: mode } = this.#options
    const held: Held = { area: 'staging', id }
    const what = `staging ${id} of repository "${repository}"`
    const state = await guarded(what, () => areas.choose(repository, type ?? 'config'))
    const path = areas.path(state, repository, held)
    const staged =
      type === 'data'
        ? await receiveAt(
            { disk: packDisk, sync },
            { path, mode, more: await room.into(state) },
          )
        : await receiveAt({ disk, sync }, { path, mode })
    this.#received.set(keyOf(repository, held), path)
    return staged
  }

  async publish(
    repository: RepositoryId,
    held: Held,
    object: ObjectName,
  ): Promise<Exclude<Moved, 'moved'> | 'published'> {
    const { folders, sync } = this.#options
    const to = folders.pathOf(repository, object)
    const makeFolder = (): Promise<void> => folders.makeFor(repository, object)
    await makeFolder()
    const from = await this.#find(repository, held)
    if (from === undefined) {
      // An earlier call may have moved them and died before it synced.
      await sync.sync(dirname(to))
      return 'gone'
    }
    const move = (): Promise<Moved> => this.#moveAcross(repository, from, to, held, object)
    const moved = await move().catch(async (error: unknown) => {
      if (!hasErrno(error, 'ENOENT')) throw error
      folders.forget(dirname(to))
      await makeFolder()
      return move()
    })
    if (moved !== 'moved') return moved
    this.#received.delete(keyOf(repository, held))
    // A released item must not come back after a crash; what comes back in staging is dropped at the start.
    if (held.area === 'quarantine') await sync.sync(dirname(from))
    return 'published'
  }

  async keep(repository: RepositoryId, stagedId: string, itemId: string): Promise<boolean> {
    const { areas, sync } = this.#options
    const item: Held = { area: 'quarantine', id: itemId }
    const held: Held = { area: 'staging', id: stagedId }
    const from = await this.#find(repository, held)
    if (from === undefined) {
      // An earlier call may have moved them and died before it synced.
      for (const state of await areas.of(repository)) {
        await this.#syncIfThere(areas.folder(state, 'quarantine'))
      }
      return false
    }
    const state = dirname(dirname(from))
    const moved = await this.#mover.move(from, areas.path(state, repository, item))
    if (moved === 'exists') {
      throw new BackendError('conflict', `quarantine holds other bytes as ${itemId}`)
    }
    this.#received.delete(keyOf(repository, held))
    await sync.sync(dirname(from))
    return moved === 'moved'
  }

  /** Where the file system has no links nothing is kept. */
  async setAside(repository: RepositoryId, object: ObjectName): Promise<void> {
    const { areas, disk, folders, sync } = this.#options
    const from = folders.pathOf(repository, object)
    // It may have been removed before a crash.
    if ((await sizeOf(disk, from)) === undefined) return
    const state = await areas.choose(repository, typeOf(object))
    const id = `gone-${object.replace('/', '-')}`
    const to = areas.path(state, repository, { area: 'quarantine', id })
    await unless(['ENOENT'], undefined, disk.unlink(to))
    await unless(['ENOENT', ...withoutLinks], undefined, disk.link(from, to))
    await sync.sync(dirname(to))
  }

  async discard(repository: RepositoryId, held: Held): Promise<void> {
    const { areas, disk } = this.#options
    this.#received.delete(keyOf(repository, held))
    for (const state of await areas.of(repository)) {
      const path = areas.path(state, repository, held)
      await unless(['ENOENT'], undefined, disk.unlink(path))
      if (held.area === 'quarantine') await this.#syncIfThere(dirname(path))
    }
  }

  async open(repository: RepositoryId, held: Held): Promise<OpenObject | undefined> {
    const path = await this.#find(repository, held)
    return path === undefined ? undefined : openFile(this.#options.disk, path)
  }

  async list(repository: RepositoryId, area: Held['area']): Promise<string[]> {
    const { areas, disk } = this.#options
    const ids = new Set<string>()
    for (const state of await areas.of(repository)) {
      const names = await unless(['ENOENT'], [], disk.names(areas.folder(state, area)))
      for (const name of names) {
        const id = areas.idIn(repository, name)
        if (id !== undefined) ids.add(id)
      }
    }
    return [...ids]
  }

  async #syncIfThere(folder: string): Promise<void> {
    await unless(['ENOENT'], undefined, this.#options.sync.sync(folder))
  }

  async #find(repository: RepositoryId, held: Held): Promise<string | undefined> {
    const { areas, disk } = this.#options
    const received = this.#received.get(keyOf(repository, held))
    if (received !== undefined) return received
    for (const state of await areas.of(repository)) {
      const path = areas.path(state, repository, held)
      if ((await sizeOf(disk, path)) !== undefined) return path
    }
    return undefined
  }

  /** Where a mount has come or gone since the bytes were received, they are copied to the target's side first. */
  async #moveAcross(
    repository: RepositoryId,
    from: string,
    to: string,
    held: Held,
    object: ObjectName,
  ): Promise<Moved> {
    try {
      return await this.#mover.move(from, to)
    } catch (error) {
      if (!hasErrno(error, 'EXDEV')) throw error
    }
    const { areas, disk, sync, fileMode } = this.#options
    areas.forget(repository, typeOf(object))
    const state = await areas.choose(repository, typeOf(object))
    const near = areas.path(state, repository, held)
    const source = await openFile(disk, from)
    if (source === undefined) return 'gone'
    await unless(['ENOENT'], undefined, disk.unlink(near))
    await receive({ disk, sync }, { path: near, mode: fileMode, body: source.read() })
    const moved = await this.#mover.move(near, to)
    if (moved === 'moved') await unless(['ENOENT'], undefined, disk.unlink(from))
    await sync.sync(dirname(from))
    return moved
  }
}

function keyOf(repository: RepositoryId, { area, id }: Held): string {
  return `${area}/${id} ${repository}`
}
