/** Ordinary files below the root, beside the repositories. Nothing here is fenced. */
import { mkdir, realpath } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { stateFolderName } from '../../fencing/object.js'
import type { OpenObject } from '../../fencing/ports.js'
import { abortable } from '../abortable.js'
import { localDisk, openNew } from './disk.js'
import { guarded, unless } from './faults.js'
import { isOwnName, notAllowed, PlainPaths, type Path } from './plain-paths.js'
import { PlainProperties, type Property } from './plain-properties.js'
import { copyTree, discard, moveTree, Workshop } from './plain-trees.js'
import { openFile } from './reading.js'
import { PieceWriter } from './receiving.js'

export interface PlainFolderOptions {
  readonly root: string
  /** Where what is received is put together; `.lockkeeper` in the root without it. */
  readonly stateFolder?: string
  /** Files and folders that are never shown or touched, wherever they are: passwords, keys, logs. */
  readonly own?: readonly string[]
}

export interface Entry {
  readonly name: string
  readonly isFolder: boolean
  /** A folder that is a repository: shown, and nothing else. */
  readonly isRepository: boolean
  readonly size: number
  readonly modifiedMs: number
  readonly createdMs: number
  readonly version: string
}

export type Result = 'created' | 'replaced' | 'missing' | 'no-parent' | 'taken'

const namesPerBatch = 64

export async function openPlainFolder(options: PlainFolderOptions): Promise<PlainFolder> {
  return guarded(`opening "${options.root}"`, async () => {
    const root = await realpath(options.root)
    const state = options.stateFolder ?? join(root, stateFolderName)
    await mkdir(join(state, 'plain'), { recursive: true, mode: 0o700 })
    const own = await realpath(join(state, 'plain'))
    const workshop = await Workshop.open(join(own, 'work'))
    const properties = new PlainProperties(join(own, 'properties'))
    const hidden = [join(root, '.htpasswd'), ...(options.own ?? [])]
    if (options.stateFolder !== undefined) hidden.push(options.stateFolder)
    const paths = new PlainPaths(root, await ownPaths(hidden))
    return new PlainFolder(paths, workshop, properties)
  })
}

export class PlainFolder {
  readonly #paths: PlainPaths
  readonly #workshop: Workshop
  readonly #properties: PlainProperties

  constructor(paths: PlainPaths, workshop: Workshop, properties: PlainProperties) {
    this.#paths = paths
    this.#workshop = workshop
    this.#properties = properties
  }

  async stat(path: Path): Promise<Entry | undefined> {
    return guarded(about(path), () => this.#stat(path))
  }

  async *list(path: Path): AsyncGenerator<readonly Entry[]> {
    const folder = await guarded(about(path), () => this.#paths.reach(path))
    if (folder === undefined) return
    await guarded(about(path), async () => {
      if (await this.#paths.isRepository(path)) {
        throw notAllowed(`${about(path)} is a repository`)
      }
    })
    const names = await guarded(about(path), () => unless(absent, [], localDisk.names(folder)))
    for (let first = 0; first < names.length; first += namesPerBatch) {
      const batch = names.slice(first, first + namesPerBatch)
      const shown = batch.filter((name) => !this.#paths.isOwn(join(folder, name)))
      const entries = await guarded(about(path), () =>
        Promise.all(shown.map((name) => entryAt(join(folder, name), name))),
      )
      yield entries.filter((entry) => entry !== undefined)
    }
  }

  async open(path: Path): Promise<{ entry: Entry; bytes: OpenObject } | undefined> {
    return guarded(about(path), async () => {
      const entry = await this.#stat(path)
      if (entry === undefined || entry.isFolder) return undefined
      const bytes = await openFile(localDisk, this.#paths.of(path))
      return bytes && { entry, bytes }
    })
  }

  /** Takes the whole body before anything is seen of it. */
  async put(
    path: Path,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    placing: (act: () => Promise<number>) => Promise<number> = (act) => act(),
  ): Promise<Result> {
    signal.throwIfAborted()
    const target = await guarded(about(path), () => this.#paths.reachNew(path))
    if (target === undefined) return 'no-parent'
    const standing = await this.stat(path)
    if (standing?.isFolder === true) return 'taken'
    const place = await guarded(about(path), () => this.#workshop.placeFor(target))
    try {
      await receivePlain(place, body, signal)
      await placing(() => guarded(about(path), () => this.#place(place, target)))
    } catch (error) {
      await discard(place)
      throw error
    }
    return standing === undefined ? 'created' : 'replaced'
  }

  async #place(place: string, target: string): Promise<number> {
    const replaced = await unless(absent, undefined, localDisk.stat(target))
    await this.#workshop.put(place, target)
    return replaced?.isFile() === true ? replaced.size : 0
  }

  async makeFolder(path: Path): Promise<Result> {
    return guarded(about(path), async () => {
      const target = await this.#paths.reachNew(path)
      if (target === undefined) return 'no-parent'
      const made = await unless(
        ['EEXIST'],
        false,
        localDisk.makeFolder(target, 0o700).then(() => true),
      )
      return made ? 'created' : 'taken'
    })
  }

  async remove(path: Path): Promise<Result> {
    return guarded(about(path), async () => {
      const standing = await this.#stat(path)
      if (standing === undefined) return 'missing'
      if (path.length === 0) throw notAllowed('the root is not removed')
      await this.#paths.refuseRepositories(path)
      await this.#workshop.remove(this.#paths.of(path))
      await this.#properties.remove(path)
      return 'created'
    })
  }

  async move(from: Path, to: Path, replaces: boolean): Promise<Result> {
    return this.#transfer(from, to, replaces, async (source, target) => {
      await moveTree(this.#workshop, source, target)
      await this.#properties.move(from, to)
    })
  }

  async copy(
    from: Path,
    to: Path,
    { replaces, isShallow }: { replaces: boolean; isShallow: boolean },
  ): Promise<Result> {
    return this.#transfer(from, to, replaces, async (source, target) => {
      const place = await this.#workshop.placeFor(target)
      try {
        await copyTree(source, place, isShallow)
        await this.#workshop.put(place, target)
      } finally {
        await discard(place)
      }
      await this.#properties.copy(from, to, isShallow)
    })
  }

  async properties(path: Path): Promise<readonly Property[]> {
    return guarded(about(path), () => this.#properties.of(path))
  }

  async propertiesIn(folder: Path): Promise<ReadonlyMap<string, readonly Property[]>> {
    return guarded(about(folder), () => this.#properties.in(folder))
  }

  async setProperties(path: Path, properties: readonly Property[]): Promise<void> {
    await guarded(about(path), () => this.#properties.set(path, properties))
  }

  async #transfer(
    from: Path,
    to: Path,
    replaces: boolean,
    act: (source: string, target: string) => Promise<void>,
  ): Promise<Result> {
    return guarded(about(from), async () => {
      if (from.length === 0 || isWithin(from, to) || isWithin(to, from)) {
        throw notAllowed(
          'a folder is not moved or copied into itself or over one that it is in',
        )
      }
      if ((await this.#stat(from)) === undefined) return 'missing'
      const target = await this.#paths.reachNew(to)
      if (target === undefined) return 'no-parent'
      const standing = await this.#stat(to)
      if (standing !== undefined && !replaces) return 'taken'
      await this.#paths.refuseRepositories(from, to)
      await this.#paths.refuseRepositories(to)
      await act(this.#paths.of(from), target)
      return standing === undefined ? 'created' : 'replaced'
    })
  }

  async #stat(path: Path): Promise<Entry | undefined> {
    const full = await this.#paths.reach(path)
    if (full === undefined) return undefined
    const entry = await entryAt(full, path.at(-1) ?? '')
    if (entry?.isFolder !== true) return entry
    return { ...entry, isRepository: await this.#paths.isRepository(path) }
  }
}

/** Each as it was named and as it is without links, since either may lie below the root. */
async function ownPaths(own: readonly string[]): Promise<string[]> {
  const found = own.map(async (path) => {
    const full = resolve(path)
    const folder = await unless(absent, dirname(full), realpath(dirname(full)))
    const real = await unless(absent, full, realpath(full))
    return [full, join(folder, basename(full)), real]
  })
  return [...new Set((await Promise.all(found)).flat())]
}

async function entryAt(full: string, name: string): Promise<Entry | undefined> {
  if (isOwnName(name)) return undefined
  const found = await unless(absent, undefined, localDisk.stat(full))
  return found === undefined || !(found.isFile() || found.isDirectory())
    ? undefined
    : entryOf(name, found)
}

function entryOf(name: string, found: Stats): Entry {
  const { size, mtimeMs, birthtimeMs, ino } = found
  const parts = [Math.round(mtimeMs * 1000), size, ino].map((number) => number.toString(36))
  return {
    name,
    isFolder: found.isDirectory(),
    isRepository: false,
    size: found.isDirectory() ? 0 : size,
    modifiedMs: mtimeMs,
    createdMs: birthtimeMs,
    version: parts.join('-'),
  }
}

async function receivePlain(
  place: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const file = await guarded(place, () => localDisk.open(place, openNew, 0o600))
  const writer = new PieceWriter(localDisk, file)
  try {
    for await (const chunk of abortable(body, signal)) {
      await guarded(place, () => writer.add(chunk))
    }
    await guarded(place, () => writer.end())
  } finally {
    await writer.idle()
    await localDisk.close(file)
  }
}

function isWithin(path: Path, other: Path): boolean {
  return path.every((name, depth) => other[depth] === name)
}

function about(path: Path): string {
  return `the plain file "${path.join('/')}"`
}

const absent = ['ENOENT', 'ENOTDIR'] as const
