/** Knows how the repositories below a root are found, without walking into them. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isListedType,
  parseRepositoryId,
  repositoryDepthMax,
  type RepositoryId,
} from '../../fencing/object.js'
import type { Disk } from './disk.js'
import { unless } from './faults.js'

/** What cannot be opened (another user's folder, a disk that hangs), or has just gone, holds no repository of ours. */
const passedOver = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ETIMEDOUT'] as const

/** True where a folder holds `config` or a listed type's folder. */
export async function holdsRepository(disk: Disk, folder: string): Promise<boolean> {
  const inside = await unless(['ENOENT'], [], disk.entries(folder))
  return inside.some((entry) => {
    if (entry.name === 'config') return entry.isFile()
    return isListedType(entry.name) && entry.isDirectory()
  })
}

/**
 * The links to folders that stand where a repository, or a folder of one, would: none is followed, and an operator must
 * hear of them before the first backup.
 */
export async function findLinks(disk: Disk, root: string): Promise<string[]> {
  const found: string[] = []
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await unless(passedOver, [], disk.entries(folder))) {
      const { name } = entry
      const path = join(folder, name)
      if (name.startsWith('.') || name === 'lost+found') continue
      if (entry.isSymbolicLink() && (await leadsToFolder(path))) found.push(path)
      const isWalked = entry.isDirectory() && !isListedType(name) && depth < repositoryDepthMax
      if (isWalked) await walk(path, depth + 1)
    }
  }
  await walk(root, 0)
  return found
}

async function leadsToFolder(link: string): Promise<boolean> {
  return stat(link).then(
    (found) => found.isDirectory(),
    () => false,
  )
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
    for (const entry of await unless(passedOver, [], disk.entries(folder))) {
      const { name } = entry
      if (!entry.isDirectory() || name.startsWith('.') || name === 'lost+found') continue
      await walk([...folders, name])
    }
  }
  await walk([])
  return found
}
