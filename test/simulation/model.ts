/** A small sequential model of a repository: blobs, packs, indexes and snapshots, and what it means to be damaged. */
import type { ObjectName } from '../../fencing/object.js'

export interface LockContent {
  readonly isExclusive: boolean
  /** When it was made, in milliseconds. */
  readonly at: number
  /** The machine that it was made on. */
  readonly client: number
}

/** What each object says; clients fill it as they write, the judge reads it. */
export class Contents {
  /** The blobs in each pack. */
  readonly packs = new Map<ObjectName, readonly string[]>()
  /** The packs that each index names. */
  readonly indexes = new Map<ObjectName, readonly ObjectName[]>()
  /** The blobs that each snapshot reaches. */
  readonly snapshots = new Map<ObjectName, readonly string[]>()
  readonly locks = new Map<ObjectName, LockContent>()
}

/** Invariant I1: no index names a missing pack, and no snapshot reaches a blob that no index leads to. */
export function damageOf(
  contents: Contents,
  disk: ReadonlySet<ObjectName>,
): string | undefined {
  for (const index of standing(disk, 'index/')) {
    for (const pack of contents.indexes.get(index) ?? []) {
      if (!disk.has(pack)) return `index ${short(index)} names ${short(pack)}, which is gone`
    }
  }
  const blobs = reachableBlobs(contents, standing(disk, 'index/'))
  for (const snapshot of standing(disk, 'snapshots/')) {
    for (const blob of contents.snapshots.get(snapshot) ?? []) {
      if (!blobs.has(blob)) return `snapshot ${short(snapshot)} misses blob ${blob}`
    }
  }
  return undefined
}

export function reachableBlobs(
  contents: Contents,
  indexes: readonly ObjectName[],
): Set<string> {
  const packs = indexes.flatMap((index) => contents.indexes.get(index) ?? [])
  return new Set(packs.flatMap((pack) => contents.packs.get(pack) ?? []))
}

export function standing(disk: ReadonlySet<ObjectName>, prefix: string): ObjectName[] {
  return [...disk].filter((object) => object.startsWith(prefix))
}

function short(object: ObjectName): string {
  return object.slice(0, 14)
}
