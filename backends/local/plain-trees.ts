/** Knows how files and folders are copied, moved and removed so that nothing of them is seen half done. */
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { stateFolderName } from '../../fencing/object.js'
import { localDisk } from './disk.js'
import { hasErrno, unless } from './faults.js'
import { isOwnName } from './plain-paths.js'

/** A folder of our own for what is being made or is being removed, on the same file system wherever there is one. */
export class Workshop {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** What an earlier run left there is nobody's. */
  static async open(folder: string): Promise<Workshop> {
    await discard(folder)
    await localDisk.makeFolder(folder, 0o700)
    return new Workshop(folder)
  }

  /** A path for what will be moved to the target, or was moved away from it: one rename does either. */
  async placeFor(target: string): Promise<string> {
    const beside = dirname(target)
    const [own, other] = await Promise.all([
      localDisk.stat(this.#folder),
      localDisk.stat(beside),
    ])
    // Two mounts of one device count as one here; then the rename fails, and nothing is changed.
    const folder = own.dev === other.dev ? this.#folder : beside
    return join(folder, `${stateFolderName}-${randomUUID()}`)
  }

  /** Puts something that is ready at its target, in the place of whatever stands there. */
  async put(ready: string, target: string): Promise<void> {
    const old = await this.#moveAway(ready, target)
    try {
      await localDisk.rename(ready, target)
    } catch (error) {
      if (old !== undefined) await localDisk.rename(old, target)
      throw error
    }
    if (old !== undefined) await discard(old)
  }

  async remove(target: string): Promise<void> {
    const place = await this.placeFor(target)
    await localDisk.rename(target, place)
    await discard(place)
  }

  /** A file makes way for another in the rename itself; wherever there is a folder, it has to be moved first. */
  async #moveAway(ready: string, target: string): Promise<string | undefined> {
    const standing = await unless(['ENOENT'], undefined, localDisk.stat(target))
    if (standing === undefined) return undefined
    const coming = await localDisk.stat(ready)
    if (!standing.isDirectory() && !coming.isDirectory()) return undefined
    const place = await this.placeFor(target)
    await localDisk.rename(target, place)
    return place
  }
}

/** Removes a file, or a folder with all that is in it; what is not there is no error. */
export async function discard(path: string): Promise<void> {
  const found = await unless(absent, undefined, localDisk.stat(path))
  if (found?.isDirectory() === true) {
    const names = await unless(absent, [], localDisk.names(path))
    for (const name of names) await discard(join(path, name))
    await unless(absent, undefined, localDisk.removeFolder(path))
  } else if (found !== undefined) await unless(absent, undefined, localDisk.unlink(path))
}

const absent = ['ENOENT'] as const

/** Copies files and folders; whatever else lies there, links above all, is left out. */
export async function copyTree(from: string, to: string, isShallow: boolean): Promise<void> {
  const found = await localDisk.stat(from)
  if (found.isFile()) await localDisk.copy(from, to)
  if (!found.isDirectory()) return
  await localDisk.makeFolder(to, 0o700)
  if (isShallow) return
  for (const name of await localDisk.names(from)) {
    if (!isOwnName(name)) await copyTree(join(from, name), join(to, name), false)
  }
}

/** Moves over the borders of file systems too. */
export async function moveTree(workshop: Workshop, from: string, to: string): Promise<void> {
  try {
    await workshop.put(from, to)
  } catch (error) {
    if (!hasErrno(error, 'EXDEV')) throw error
    const ready = await workshop.placeFor(to)
    try {
      await copyTree(from, ready, false)
      await workshop.put(ready, to)
    } finally {
      await discard(ready)
    }
    await workshop.remove(from)
  }
}
