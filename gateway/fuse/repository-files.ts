/** Knows repositories as folders in restic's layout: what each call on a path means to the gateway behind the mount. */
import { constants } from 'node:fs'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { CallingProcess } from './calling-process.js'
import { CallError } from './errno.js'
import { OpenFiles } from './open-files.js'
import type { ObjectBytes, Opening } from './opening.js'
import type { Openings } from './openings.js'
import type { Attributes, Caller, Handle, Operations, Space } from './operations.js'
import { packFolders, parsePlace, type ObjectPlace, type Place } from './place.js'
import type { RepositoryTree } from './repository-tree.js'
import { Sizes } from './sizes.js'
import { StagedFile } from './staged-file.js'

export interface RepositoryFilesOptions {
  readonly tree: RepositoryTree
  readonly openings: Openings
  /** The folders, below the root of the gateway, that the mount stands for. */
  readonly basis: readonly string[]
  readonly space: () => Promise<Space>
}

type OpenFile = ObjectBytes | StagedFile

interface Staged {
  readonly file: StagedFile
  readonly owner: Caller
  readonly folder: string
  readonly name: string
}

const listedFolders = ['data', 'index', 'keys', 'locks', 'snapshots'] as const
/** When objects were written is not told by the protocol. */
const modifiedMs = Date.now()

export class RepositoryFiles implements Operations {
  readonly #options: RepositoryFilesOptions
  readonly #files = new OpenFiles<OpenFile>()
  readonly #staged = new Map<string, Staged>()
  readonly #sizes = new Sizes()

  constructor(options: RepositoryFilesOptions) {
    this.#options = options
  }

  async attributes(path: string, caller: Caller): Promise<Attributes> {
    const { tree } = this.#options
    const place = this.#placeOf(path)
    if (place.kind === 'folder') {
      if (path !== '/' && (await tree.kindOf(place.repository)) === undefined) throw missing()
      return folder
    }
    if (place.kind === 'temporary') return fileOf(this.#stagedAt(path).file.size, 0o600)
    if ((await tree.kindOf(place.repository)) !== 'repository') throw missing()
    return place.kind === 'object' ? fileOf(await this.#sizeOf(place, caller), 0o400) : folder
  }

  async attributesOfOpen(handle: Handle, path: string, caller: Caller): Promise<Attributes> {
    const file = this.#files.get(handle)
    return file instanceof StagedFile ? fileOf(file.size, 0o600) : this.attributes(path, caller)
  }

  async names(path: string, caller: Caller): Promise<readonly string[]> {
    const place = this.#placeOf(path)
    const { openings } = this.#options
    const temporary = [...this.#staged.values()]
      .filter((staged) => staged.folder === folderIn(path))
      .map(({ name }) => name)
    switch (place.kind) {
      case 'folder':
        return [...(await this.#namesInFolder(place.repository, caller)), ...temporary]
      case 'type':
      case 'packs': {
        if (place.kind === 'type' && place.type === 'data') return packFolders
        const opening = openings.of(caller, place.repository)
        const [type, prefix] =
          place.kind === 'type' ? [place.type, ''] : (['data', place.prefix] as const)
        const entries = await opening.list(type, prefix)
        this.#sizes.listed(
          caller,
          `${place.repository} ${type}${prefix && `/${prefix}`}`,
          entries,
        )
        return [...entries.map(({ id }) => id), ...temporary]
      }
      case 'object':
      case 'temporary':
        throw new CallError('ENOTDIR')
    }
  }

  async open(path: string, flags: number, caller: Caller): Promise<Handle> {
    const place = this.#placeOf(path)
    if (place.kind === 'temporary') return this.#files.add(this.#stagedAt(path).file)
    if (place.kind !== 'object') throw new CallError('EISDIR')
    if ((flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0) throw new CallError('EACCES')
    return this.#files.add(await this.#openingOf(place, caller).open(place.object))
  }

  async create(path: string, _mode: number, caller: Caller): Promise<Handle> {
    const place = this.#placeToChange(path)
    if (place.kind !== 'temporary') throw new CallError('EACCES')
    const { tree } = this.#options
    if ((await tree.kindOf(place.repository)) !== 'repository') throw missing()
    if (this.#staged.has(path)) throw new CallError('EEXIST')
    const file = new StagedFile(place.object, this.#openingOf(place, caller))
    this.#staged.set(path, {
      file,
      owner: caller,
      folder: folderIn(path, true),
      name: nameIn(path),
    })
    return this.#files.add(file)
  }

  async read(handle: Handle, length: number, offset: number): Promise<Uint8Array> {
    return this.#files.get(handle).read(offset, length)
  }

  write(handle: Handle, bytes: Buffer, offset: number): void | Promise<void> {
    return this.#stagedOf(handle).write(bytes, offset)
  }

  truncate(path: string, size: number): void {
    const place = this.#placeOf(path)
    if (place.kind !== 'temporary') throw new CallError('EACCES')
    this.#stagedAt(path).file.truncate(size)
  }

  truncateOpen(handle: Handle, size: number): void {
    this.#stagedOf(handle).truncate(size)
  }

  async sync(handle: Handle): Promise<void> {
    const file = this.#files.get(handle)
    if (file instanceof StagedFile) await file.sync()
  }

  /** What has its name is durable already. */
  syncFolder(): void {
    return
  }

  close(handle: Handle): void {
    const file = this.#files.take(handle)
    if (file !== undefined && !(file instanceof StagedFile)) file.close()
  }

  async remove(path: string, caller: Caller): Promise<void> {
    const place = this.#placeToChange(path)
    if (place.kind === 'temporary') {
      this.#stagedAt(path).file.discard()
      this.#staged.delete(path)
      return
    }
    if (place.kind !== 'object') throw new CallError('EISDIR')
    await this.#openingOf(place, caller).remove(place.object)
    this.#sizes.forget(place.repository, place.object)
  }

  /** The commit. Whatever it is answered with, the temporary file is gone: a refused one is not to be tried again as it is. */
  async rename(from: string, to: string, caller: Caller): Promise<void> {
    const source = this.#placeToChange(from)
    const target = this.#placeToChange(to)
    const isCommit =
      source.kind === 'temporary' &&
      target.kind === 'object' &&
      source.repository === target.repository &&
      source.object === target.object
    if (!isCommit) throw new CallError('EACCES')
    const { file } = this.#stagedAt(from)
    this.#staged.delete(from)
    await file.commit()
    this.#sizes.note(caller, target.repository, target.object, file.size)
  }

  link(): never {
    throw new CallError('EPERM')
  }

  async makeFolder(path: string, _mode: number, caller: Caller): Promise<void> {
    const place = this.#placeToChange(path)
    const { tree, openings } = this.#options
    const kind = await tree.kindOf(place.repository)
    if (place.kind === 'folder') {
      if (kind !== undefined) throw new CallError('EEXIST')
      const parent = place.repository.split('/').slice(0, -1).join('/') as RepositoryId
      const parentKind = await tree.kindOf(parent)
      if (parentKind === undefined && nameIn(path) !== path.slice(1)) throw missing()
      // Inside a repository nothing else is.
      if (parentKind === 'repository') throw new CallError('EACCES')
      tree.intend(place.repository)
      return
    }
    if (place.kind !== 'type' || kind === 'repository') throw new CallError('EEXIST')
    await openings.of(caller, place.repository).create()
    tree.created(place.repository)
  }

  async removeFolder(path: string): Promise<void> {
    const place = this.#placeToChange(path)
    const { tree } = this.#options
    const isIntended =
      place.kind === 'folder' && (await tree.kindOf(place.repository)) === 'intended'
    if (!isIntended) throw new CallError('EACCES')
    tree.forget(place.repository)
  }

  /** Names and contents never change, so neither do these; who asks for it is told that all is well. */
  async changeMode(path: string, _mode: number, caller: Caller): Promise<void> {
    await this.attributes(path, caller)
  }

  async changeTimes(path: string, _modifiedMs: number, caller: Caller): Promise<void> {
    await this.attributes(path, caller)
  }

  async space(): Promise<Space> {
    return this.#options.space()
  }

  /** Its process has exited: what it was writing will never have a name. */
  exited(process: CallingProcess): void {
    for (const [path, { file, owner }] of this.#staged) {
      if (owner?.name !== process.name) continue
      file.discard()
      this.#staged.delete(path)
    }
    this.#options.openings.exited(process)
  }

  async #namesInFolder(repository: RepositoryId, caller: Caller): Promise<string[]> {
    const { tree, openings } = this.#options
    const kind = await tree.kindOf(repository)
    const below = await tree.namesBelow(repository)
    if (kind !== 'repository') return [...below]
    const hasConfig = await openings.of(caller, repository).hasConfig()
    return [...(hasConfig ? ['config'] : []), ...listedFolders, ...below]
  }

  async #sizeOf(place: ObjectPlace, caller: Caller): Promise<number> {
    const { repository, object } = place
    const isConfig = object === ('config' as ObjectName)
    const known = isConfig ? undefined : this.#sizes.of(caller, repository, object)
    if (known !== undefined) return known
    const size = isConfig
      ? await this.#options.openings.renewed(caller, repository).sizeOfConfig()
      : await this.#openingOf(place, caller).size(object)
    if (size === undefined) throw missing()
    this.#sizes.note(caller, repository, object, size)
    return size
  }

  #openingOf(place: { readonly repository: RepositoryId }, caller: Caller): Opening {
    return this.#options.openings.of(caller, place.repository)
  }

  #placeOf(path: string): Place {
    const place = parsePlace(path, this.#options.basis)
    if (place === undefined) throw missing()
    return place
  }

  #placeToChange(path: string): Place {
    const place = parsePlace(path, this.#options.basis)
    if (place === undefined) throw new CallError('EACCES')
    return place
  }

  #stagedAt(path: string): Staged {
    const staged = this.#staged.get(path)
    if (staged === undefined) throw missing()
    return staged
  }

  #stagedOf(handle: Handle): StagedFile {
    const file = this.#files.get(handle)
    if (!(file instanceof StagedFile)) throw new CallError('EBADF')
    return file
  }
}

const folder: Attributes = { kind: 'folder', mode: 0o700, size: 4096, modifiedMs }

function fileOf(size: number, mode: number): Attributes {
  return { kind: 'file', mode, size, modifiedMs }
}

function missing(): CallError {
  return new CallError('ENOENT')
}

function folderIn(path: string, isFile = false): string {
  return isFile ? path.slice(0, path.lastIndexOf('/')) : path === '/' ? '' : path
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
