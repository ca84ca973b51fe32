/** Knows plain files as resources, with the properties that clients have set and the locks on them. */
import type { Call } from './call.js'
import type { Lock, LockTable } from './lock-table.js'
import type { PlainEntry, PlainFiles, PlainPath, PlainProperty } from './plain-files.js'
import { isOwn } from './realm.js'
import type { LockStory, Resource, Resources } from './resource.js'
import { hrefOf, type DavTarget } from './target.js'

/** A request that may reach plain files. */
export interface PlainCall extends Call {
  readonly plain: PlainFiles
}

interface Around {
  readonly locks: LockTable
  readonly target: DavTarget
}

/** Undefined where nothing stands. */
export async function plainResource(
  call: PlainCall,
  path: PlainPath,
): Promise<Resource | undefined> {
  const entry = await call.plain.stat(path)
  if (entry === undefined) return undefined
  return resourceOf(call, path, entry, await call.plain.properties(path))
}

export async function* plainChildren(
  call: PlainCall,
  folder: PlainPath,
): AsyncGenerator<Resources> {
  const { plain, visitor } = call
  const dead = await plain.propertiesIn(folder)
  for await (const entries of plain.list(folder)) {
    yield entries.flatMap((entry) => {
      const path = [...folder, entry.name]
      if (!isOwn(visitor, path)) return []
      return [resourceOf(call, path, entry, dead.get(entry.name) ?? [])]
    })
  }
}

export function resourceOf(
  { locks, target }: Around,
  parts: PlainPath,
  entry: PlainEntry,
  dead: readonly PlainProperty[],
): Resource {
  const { isFolder, size, modifiedMs, createdMs, version } = entry
  return {
    parts,
    isFolder,
    ...(isFolder ? {} : { size, etag: `"${version}"` }),
    modifiedMs,
    createdMs,
    isPlain: true,
    dead,
    locks: locks.on(parts).map((lock) => storyOf(locks, target, lock)),
  }
}

export function storyOf(locks: LockTable, { base }: DavTarget, lock: Lock): LockStory {
  const { token, scope, isDeep, owner, root } = lock
  return {
    token,
    scope,
    depth: isDeep ? 'infinity' : '0',
    owner,
    secondsLeft: locks.secondsLeft(lock),
    rootHref: hrefOf(base, root, false),
  }
}
