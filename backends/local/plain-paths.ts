/** Knows where plain files may be: below the root, over no link, and never in a repository or among the gateway's own. */
import { join, sep } from 'node:path'
import { objectTypes, repositoryDepthMax, stateFolderName } from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import { unless } from './faults.js'
import { localDisk } from './disk.js'
import { linked } from './open-folders.js'

export type Path = readonly string[]

const reserved: ReadonlySet<string> = new Set(objectTypes)

/** Our own folders, and what is received where the state folder is on another file system. */
export function isOwnName(name: string): boolean {
  return name.startsWith(stateFolderName)
}

export class PlainPaths {
  /** Without any link in it. */
  readonly root: string
  readonly #own: readonly string[]

  /** `own` are the full paths of what the gateway itself reads or writes: passwords above all. */
  constructor(root: string, own: readonly string[] = []) {
    this.root = root
    // What is around the root hides nothing in it.
    this.#own = own.filter((one) => one.startsWith(`${root}${sep}`))
  }

  /** Whether a path is one of the gateway's own, or lies in one. */
  isOwn(full: string): boolean {
    return this.#own.some((own) => own === full || full.startsWith(`${own}${sep}`))
  }

  /** The path on the disk; nothing is looked up. Throws where a name is none, or none of a plain file. */
  of(path: Path): string {
    for (const name of path) {
      const isName = name !== '' && name !== '.' && name !== '..' && !/[/\u0000]/.test(name)
      if (!isName || isOwnName(name)) throw notAllowed(`"${name}" is no name of a plain file`)
    }
    const full = join(this.root, ...path)
    if (this.isOwn(full)) throw notAllowed(`"${full}" is the gateway's own`)
    return full
  }

  /**
   * Undefined where the folder that it would lie in is missing. Throws where that one is a repository, or reached through
   * a link: then whatever is at the path is not ours to show or to touch.
   */
  async reach(path: Path): Promise<string | undefined> {
    const full = this.of(path)
    if (path.length === 0) return full
    const above = this.of(path.slice(0, -1))
    const found = await unless(absent, undefined, localDisk.stat(above))
    if (found?.isSymbolicLink() === true) throw linked(above)
    if (found?.isDirectory() !== true) return undefined
    for (let depth = 0; depth < path.length && depth <= repositoryDepthMax; depth += 1) {
      if (await this.isRepository(path.slice(0, depth))) {
        throw notAllowed(`"${full}" is in a repository`)
      }
    }
    return full
  }

  /** As `reach`, for what is to be made: a name of a repository's part would begin a repository. */
  async reachNew(path: Path): Promise<string | undefined> {
    if (path.length === 0) throw notAllowed('the root is there already')
    if (path.length - 1 <= repositoryDepthMax && reserved.has(path.at(-1) ?? '')) {
      throw notAllowed(`"${path.at(-1) ?? ''}" is kept for repositories here`)
    }
    return this.reach(path)
  }

  async isRepository(path: Path): Promise<boolean> {
    if (path.length > repositoryDepthMax) return false
    const folder = this.of(path)
    const found = await Promise.all(
      [...reserved].map((name) =>
        unless(absent, undefined, localDisk.stat(join(folder, name))),
      ),
    )
    // What restic's names stand for here may be neither file nor folder; then it is not ours either.
    return found.some((one) => one !== undefined)
  }

  /** Throws where something at or below the path is a repository, or would be one under `target`, or the gateway's own. */
  async refuseRepositories(path: Path, target?: Path): Promise<void> {
    const folder = this.of(path)
    if (this.#own.some((own) => own.startsWith(`${folder}${sep}`))) {
      throw notAllowed(`"${folder}" holds a file of the gateway`)
    }
    const levels = repositoryDepthMax - Math.min(path.length, target?.length ?? path.length)
    await this.#refuseWithin(folder, levels)
  }

  async #refuseWithin(folder: string, levels: number): Promise<void> {
    if (levels < 0) return
    const entries = await unless(['ENOENT', 'ENOTDIR'], [], localDisk.entries(folder))
    for (const { name } of entries) {
      if (reserved.has(name) || isOwnName(name)) {
        throw notAllowed(`"${folder}" holds a repository, or would be one`)
      }
    }
    for (const entry of entries) {
      if (entry.isDirectory()) await this.#refuseWithin(join(folder, entry.name), levels - 1)
    }
  }
}

export function notAllowed(message: string): BackendError {
  return new BackendError('not-allowed', message)
}

const absent = ['ENOENT', 'ENOTDIR'] as const
