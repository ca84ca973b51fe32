/** Knows how the repositories below a root are found, without walking into them. */
import { join } from 'node:path'
import {
  listedTypes,
  parseRepositoryId,
  repositoryDepthMax,
  type RepositoryId,
} from '../../fencing/object.js'
import type { Disk } from './disk.js'
import { unless } from './faults.js'

/** What cannot be opened (another user's folder), or has just gone, holds no repository of ours. */
const passedOver = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'] as const

/** True where a folder holds `config` or a listed type's folder. */
export async function holdsRepository(disk: Disk, folder: string): Promise<boolean> {
  const names = new Set(await unless(['ENOENT'], [], disk.names(folder)))
  if (names.has('config') && (await disk.stat(join(folder, 'config'))).isFile()) return true
  for (const type of listedTypes) {
    if (names.has(type) && (await disk.stat(join(folder, type))).isDirectory()) return true
  }
  return false
}

/**
 * Folders whose name begins with a dot are passed over (trash, snapshots of a file system, our own), as is lost+found;
 * a repository of such a name is served to whoever asks for it.
 */
export async function findRepositories(disk: Disk, root: string): Promise<RepositoryId[]> {
  const found: RepositoryId[] = []
  const walk = async (folders: readonly string[]): Promise<void> => {
    const repository = parseRepositoryId(folders)
    if (repository === undefined) return
    const folder = join(root, ...folders)
    if (await unless(passedOver, false, holdsRepository(disk, folder))) found.push(repository)
    if (folders.length === repositoryDepthMax) return
    for (const name of await unless(passedOver, [], disk.names(folder))) {
      if (name.startsWith('.') || name === 'lost+found') continue
      const inside = await unless(passedOver, undefined, disk.stat(join(folder, name)))
      if (inside?.isDirectory() === true) await walk([...folders, name])
    }
  }
  await walk([])
  return found
}
