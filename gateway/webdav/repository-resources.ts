/** Knows repositories as folders and files: what stands at a place, and what lies in it. */
import {
  listedTypes,
  typeOf,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import type { ListEntry } from '../../fencing/ports.js'
import type { Call, PlaceOf } from './call.js'
import type { Resource, Resources } from './resource.js'
import { foldersOf, partsOfObject, type Place } from './target.js'

/** The places that are inside a repository. */
export type InnerPlace = Exclude<Place, PlaceOf<'folder'> | PlaceOf<'plain'>>

const config = 'config' as ObjectName
const objectsPerBatch = 64
const prefixes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function folder(parts: readonly string[]): Resource {
  return { parts, isFolder: true }
}

/** Undefined where nothing stands. A look at `config` is how a run begins. */
export async function resourceAt(call: Call<InnerPlace>): Promise<Resource | undefined> {
  const { gate, place, target } = call
  switch (place.kind) {
    case 'junk':
      return undefined
    case 'type':
    case 'packs':
      return (await gate.exists(place.repository)) ? folder(target.parts) : undefined
    case 'object':
      return objectAt(call, place.repository, place.object)
  }
}

/** What lies in a repository's folder; a listing of `index/`, `snapshots/` or `data/` is a look. */
export async function* childrenAt(call: Call<InnerPlace>): AsyncGenerator<Resources> {
  const { place, target } = call
  switch (place.kind) {
    case 'junk':
    case 'object':
      return
    case 'type':
      if (place.type === 'data') {
        yield prefixes.map((prefix) => folder([...target.parts, prefix]))
      } else yield* objectsIn(call, place.repository, place.type)
      return
    case 'packs':
      yield* objectsIn(call, place.repository, 'data', place.prefix)
  }
}

/** What lies in a repository itself. */
export async function* childrenOfRepository(
  call: Call,
  repository: RepositoryId,
): AsyncGenerator<Resources> {
  const parts = foldersOf(repository)
  const found = await describe(call, repository, config)
  if (found !== undefined) yield [found]
  yield listedTypes.map((type) => folder([...parts, type]))
}

async function* objectsIn(
  { gate, visitor }: Call,
  repository: RepositoryId,
  type: ListedType,
  prefix?: string,
): AsyncGenerator<Resources> {
  const entries = (await gate.list(visitor, repository, type, prefix)) ?? []
  for (let first = 0; first < entries.length; first += objectsPerBatch) {
    const batch = entries.slice(first, first + objectsPerBatch)
    yield batch.map((entry) => resourceOf(repository, type, entry))
  }
}

async function objectAt(
  call: Call,
  repository: RepositoryId,
  object: ObjectName,
): Promise<Resource | undefined> {
  const { gate, openings, visitor } = call
  const isConfig = typeOf(object) === 'config'
  if (isConfig && (await openings.lookAtConfig(gate, visitor, repository)) === undefined) {
    return undefined
  }
  return describe(call, repository, object)
}

async function describe(
  { gate, visitor }: Call,
  repository: RepositoryId,
  object: ObjectName,
): Promise<Resource | undefined> {
  const opened = await gate.examine(visitor, repository, object)
  if (opened === undefined) return undefined
  await opened.close()
  return objectResource(repository, object, opened)
}

function resourceOf(repository: RepositoryId, type: ListedType, entry: ListEntry): Resource {
  return objectResource(repository, `${type}/${entry.id}` as ObjectName, entry)
}

/** Names are the hashes of contents, so they are what an ETag should be. */
export function objectResource(
  repository: RepositoryId,
  object: ObjectName,
  { size, modifiedMs }: Pick<ListEntry, 'size' | 'modifiedMs'>,
): Resource {
  const version = object.split('/')[1] ?? versionOf(size, modifiedMs)
  return {
    parts: partsOfObject(repository, object),
    isFolder: false,
    size,
    ...(modifiedMs === undefined ? {} : { modifiedMs, createdMs: modifiedMs }),
    ...(version === undefined ? {} : { etag: `"${version}"` }),
  }
}

function versionOf(size: number, modifiedMs: number | undefined): string | undefined {
  return modifiedMs === undefined
    ? undefined
    : `${size.toString(16)}-${Math.floor(modifiedMs).toString(16)}`
}
