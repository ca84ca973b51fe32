/** Knows a mount on which ordinary files lie beside the repositories: which of the two each call is for. */
import { stateFolderName } from '../../fencing/object.js'
import { CallError } from './errno.js'
import { OpenFiles } from './open-files.js'
import type { Attributes, Caller, Handle, Operations, Space } from './operations.js'
import { plainAttributes, plainChanges, PlainFile, plainNames } from './plain-files.js'
import type { PlainPlaces } from './plain-places.js'
import type { RepositoryFiles } from './repository-files.js'

type OpenFile = PlainFile | { readonly handle: Handle }

export class MixedFiles implements Operations {
  readonly #repositories: RepositoryFiles
  readonly #places: PlainPlaces
  readonly #files = new OpenFiles<OpenFile>()

  constructor(repositories: RepositoryFiles, places: PlainPlaces) {
    this.#repositories = repositories
    this.#places = places
  }

  async attributes(path: string, caller: Caller): Promise<Attributes> {
    const place = await this.#places.locate(path)
    return place === undefined
      ? this.#repositories.attributes(path, caller)
      : plainAttributes(place)
  }

  async attributesOfOpen(handle: Handle, path: string, caller: Caller): Promise<Attributes> {
    const file = this.#files.get(handle)
    return file instanceof PlainFile
      ? file.attributes()
      : this.#repositories.attributesOfOpen(file.handle, path, caller)
  }

  async names(path: string, caller: Caller): Promise<readonly string[]> {
    const place = await this.#places.locate(path)
    if (place === undefined || (await this.#places.isRepository(path))) {
      return this.#repositories.names(path, caller)
    }
    return (await plainNames(place)).filter((name) => name !== stateFolderName)
  }

  async open(path: string, flags: number, caller: Caller): Promise<Handle> {
    const place = await this.#places.locate(path)
    return this.#files.add(
      place === undefined
        ? { handle: await this.#repositories.open(path, flags, caller) }
        : await PlainFile.open(place, flags),
    )
  }

  async create(path: string, mode: number, caller: Caller): Promise<Handle> {
    const place = await this.#places.locate(path)
    if (place === undefined) {
      return this.#files.add({ handle: await this.#repositories.create(path, mode, caller) })
    }
    await this.#refuseInRepository(path)
    return this.#files.add(await PlainFile.create(place, mode))
  }

  async read(handle: Handle, length: number, offset: number): Promise<Uint8Array> {
    const file = this.#files.get(handle)
    return file instanceof PlainFile
      ? file.read(offset, length)
      : this.#repositories.read(file.handle, length, offset)
  }

  write(handle: Handle, bytes: Buffer, offset: number): void | Promise<void> {
    const file = this.#files.get(handle)
    return file instanceof PlainFile
      ? file.write(bytes, offset)
      : this.#repositories.write(file.handle, bytes, offset)
  }

  async truncate(path: string, size: number): Promise<void> {
    const place = await this.#places.locate(path)
    if (place === undefined) this.#repositories.truncate(path, size)
    else await plainChanges.truncate(place, size)
  }

  async truncateOpen(handle: Handle, size: number): Promise<void> {
    const file = this.#files.get(handle)
    if (file instanceof PlainFile) await file.truncate(size)
    else this.#repositories.truncateOpen(file.handle, size)
  }

  async sync(handle: Handle): Promise<void> {
    const file = this.#files.get(handle)
    await (file instanceof PlainFile ? file.sync() : this.#repositories.sync(file.handle))
  }

  async syncFolder(path: string): Promise<void> {
    const place = await this.#places.locate(path)
    if (place !== undefined) await plainChanges.syncFolder(place)
  }

  async close(handle: Handle): Promise<void> {
    const file = this.#files.take(handle)
    if (file instanceof PlainFile) await file.close()
    else if (file !== undefined) this.#repositories.close(file.handle)
  }

  async remove(path: string, caller: Caller): Promise<void> {
    const place = await this.#places.locate(path)
    await (place === undefined
      ? this.#repositories.remove(path, caller)
      : plainChanges.remove(place))
  }

  async rename(from: string, to: string, caller: Caller): Promise<void> {
    const source = await this.#places.locate(from)
    const target = await this.#places.locate(to)
    if (source === undefined && target === undefined) {
      return this.#repositories.rename(from, to, caller)
    }
    if (source === undefined || target === undefined) throw new CallError('EXDEV')
    if (await this.#places.holdsRepository(from)) throw new CallError('EACCES')
    await this.#refuseInRepository(to)
    await plainChanges.rename(source, target)
  }

  async link(from: string, to: string): Promise<void> {
    const source = await this.#places.locate(from)
    const target = await this.#places.locate(to)
    if (source === undefined || target === undefined) throw new CallError('EPERM')
    await this.#refuseInRepository(to)
    await plainChanges.link(source, target)
  }

  async makeFolder(path: string, mode: number, caller: Caller): Promise<void> {
    const place = await this.#places.locate(path)
    if (place === undefined) return this.#repositories.makeFolder(path, mode, caller)
    await this.#refuseInRepository(path)
    await plainChanges.makeFolder(place, mode)
  }

  async removeFolder(path: string): Promise<void> {
    const place = await this.#places.locate(path)
    await (place === undefined
      ? this.#repositories.removeFolder(path)
      : plainChanges.removeFolder(place))
  }

  async changeMode(path: string, mode: number, caller: Caller): Promise<void> {
    const place = await this.#places.locate(path)
    const isPlain = place !== undefined && !(await this.#places.isRepository(path))
    await (isPlain
      ? plainChanges.changeMode(place, mode)
      : this.#repositories.changeMode(path, mode, caller))
  }

  async changeTimes(path: string, modifiedMs: number, caller: Caller): Promise<void> {
    const place = await this.#places.locate(path)
    const isPlain = place !== undefined && !(await this.#places.isRepository(path))
    await (isPlain
      ? plainChanges.changeTimes(place, modifiedMs)
      : this.#repositories.changeTimes(path, modifiedMs, caller))
  }

  async space(): Promise<Space> {
    return this.#repositories.space()
  }

  /** Inside a repository only restic's own names are. */
  async #refuseInRepository(path: string): Promise<void> {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (await this.#places.isRepository(parent)) throw new CallError('EACCES')
  }
}
