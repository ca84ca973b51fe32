/** The object store on a local disk, in restic's own layout. */
import { basename, dirname, join, resolve } from 'node:path'
import {
  stateFolderName,
  typeOf,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import type { Held, ObjectStore, OpenObject, Staged } from '../../fencing/ports.js'
import { Reserves } from '../reserve.js'
import { Areas } from './areas.js'
import { localDisk, type Disk } from './disk.js'
import { guarded, unless } from './faults.js'
import { FolderSync } from './folder-sync.js'
import { Folders, groupModes, privateModes } from './folders.js'
import { Holding } from './holding.js'
import { Listing } from './listing.js'
import { OpenFiles } from './open-files.js'
import { digestFile, openFile, sizeOf } from './reading.js'
import { patientDisk } from './patient-disk.js'
import { rescuedDisk } from './rescued-disk.js'
import { Room } from './room.js'
import { findRepositories, holdsRepository } from './walking.js'

export interface LocalStoreOptions {
  /** The folder of the repositories; it must exist, and may itself be a link. */
  readonly root: string
  /** Where bytes are held for targets on its file system; `.lockkeeper` in the root without it. */
  readonly stateFolder?: string
  /** Lets the group read and write what is made from now on (rest-server's --group-accessible-repos). */
  readonly isGroupAccessible?: boolean
  /** Given up where there is no room for what is small. */
  readonly reserves?: Reserves
  /** Packs are refused once less would be left free; 0 is no floor. */
  readonly floorBytes?: number
  /** For tests that watch, or break, the calls of the file system. */
  readonly disk?: Disk
}

export async function openLocalStore(options: LocalStoreOptions): Promise<ObjectStore> {
  const { disk: wholeDisk = localDisk, isGroupAccessible = false, floorBytes = 0 } = options
  const { reserves = new Reserves({ bytesMax: 0, floorBytes }) } = options
  return guarded(`opening "${options.root}"`, async () => {
    const root = await wholeDisk.realPath(options.root)
    const packDisk = patientDisk({ disk: wholeDisk, root })
    const disk = rescuedDisk(packDisk, reserves)
    const stateFolder = await stateFolderOf(
      disk,
      options.stateFolder ?? join(root, stateFolderName),
    )
    const modes = isGroupAccessible ? groupModes : privateModes
    const sync = new FolderSync(disk)
    const folders = new Folders({ disk, sync, modes, root })
    const areas = new Areas({ disk, folders, stateFolder, reserves })
    const room = new Room(packDisk, floorBytes)
    const fileMode = modes.file
    const holding = new Holding({ disk, packDisk, sync, folders, areas, room, fileMode })
    return localStore({ disk, sync, folders, holding })
  })
}

/** Its parent may be reached through links, and is resolved once, like the root. */
async function stateFolderOf(disk: Disk, folder: string): Promise<string> {
  const path = resolve(folder)
  return join(await disk.realPath(dirname(path)), basename(path))
}

interface Parts {
  readonly disk: Disk
  readonly sync: FolderSync
  readonly folders: Folders
  readonly holding: Holding
}

function localStore({ disk, sync, folders, holding }: Parts): ObjectStore {
  /** Calls back with the object's path; an object whose folder is missing is missing too. */
  const at = <T>(
    repository: RepositoryId,
    object: ObjectName,
    act: (path: string) => Promise<T>,
  ): Promise<T | undefined> => {
    const path = folders.pathOf(repository, object)
    return guarded(`"${path}"`, () => act(path))
  }
  const listing = new Listing(disk)
  /** Of packs, whose bytes never change. */
  const files = new OpenFiles()
  const unlink = async (repository: RepositoryId, object: ObjectName): Promise<void> => {
    await at(repository, object, async (path) => {
      files.forget(path)
      await unless(['ENOENT'], undefined, disk.unlink(path))
    })
  }
  /** One folder after another: they are as many as 256, and others wait for the disk too. */
  const syncUnlinked = async (
    repository: RepositoryId,
    objects: readonly ObjectName[],
  ): Promise<void> => {
    const paths = objects.map((object) => dirname(folders.pathOf(repository, object)))
    for (const folder of new Set(paths)) {
      await guarded(`"${folder}"`, () => unless(['ENOENT'], undefined, sync.sync(folder)))
    }
  }
  const about = (repository: RepositoryId): string => `repository "${repository}"`
  return {
    create: (repository) => guarded(about(repository), () => folders.create(repository)),
    exists: (repository) =>
      guarded(about(repository), async () => {
        const folder = folders.of(repository)
        return (await folders.isThere(folder)) && (await holdsRepository(disk, folder))
      }),
    repositories: () =>
      guarded('looking for repositories', () => findRepositories(disk, folders.root)),
    stat: (repository, object) => at(repository, object, (path) => sizeOf(disk, path)),
    open: (repository, object): Promise<OpenObject | undefined> =>
      at(repository, object, (path) =>
        openFile(disk, path, typeOf(object) === 'data' ? files : undefined),
      ),
    digest: (repository, object): Promise<Staged | undefined> =>
      at(repository, object, (path) => digestFile(disk, path)),
    list: (repository, type, prefix) =>
      guarded(`listing ${type} of ${about(repository)}`, async () => {
        const folder = join(folders.of(repository), type)
        if (!(await folders.isThere(folder))) return undefined
        return listing.list(folder, type, prefix)
      }),
    remove: async (repository, object) => {
      await unlink(repository, object)
      await syncUnlinked(repository, [object])
    },
    unlink,
    syncUnlinked,
    stage: (repository, id, body, signal, object) =>
      holding.stage(repository, { id, body, signal, type: object && typeOf(object) }),
    stageOutside: (repository, id, object, write) =>
      holding.stageOutside(repository, { id, type: typeOf(object) }, write),
    publish: (repository, held, object) =>
      guarded(`publishing "${object}" of ${about(repository)}`, () =>
        holding.publish(repository, held, object),
      ),
    keep: (repository, stagedId, itemId) =>
      guarded(`keeping ${itemId} of ${about(repository)}`, () =>
        holding.keep(repository, stagedId, itemId),
      ),
    setAside: (repository, object) =>
      guarded(`setting "${object}" of ${about(repository)} aside`, () =>
        holding.setAside(repository, object),
      ),
    discard: (repository, held) =>
      guarded(nameOf(held), () => holding.discard(repository, held)),
    openHeld: (repository, held) => guarded(nameOf(held), () => holding.open(repository, held)),
    held: (repository, area) => guarded(area, () => holding.list(repository, area)),
  }
}

function nameOf(held: Held): string {
  return `held bytes ${held.id} in ${held.area}`
}
