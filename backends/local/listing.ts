/** Knows how the objects of one type are listed with their sizes, quickly, while others come and go. */
import { join } from 'node:path'
import type { ListedType } from '../../fencing/object.js'
import type { ListEntry } from '../../fencing/ports.js'
import type { Disk } from './disk.js'
import { unless } from './faults.js'

const namePattern = /^[0-9a-f]{64}$/
const shardPattern = /^[0-9a-f]{2}$/
/** Calls under way at once; more only wait in line before the few threads that carry them out. */
const parallelMax = 64

export async function listObjects(
  disk: Disk,
  folder: string,
  type: ListedType,
): Promise<ListEntry[]> {
  const names = await disk.names(folder)
  const entries: ListEntry[] = []
  if (type !== 'data') {
    await addEntries(
      disk,
      folder,
      names.filter((name) => namePattern.test(name)),
      entries,
    )
    return entries
  }
  for (const shard of names.filter((name) => shardPattern.test(name))) {
    // A link is not followed, and a shard may be gone by now.
    const path = join(folder, shard)
    const isFolder = (await unless(['ENOENT'], undefined, disk.stat(path)))?.isDirectory()
    if (isFolder !== true) continue
    const packs = await unless(['ENOENT'], [], disk.names(path))
    const ours = packs.filter((name) => namePattern.test(name) && name.startsWith(shard))
    await addEntries(disk, path, ours, entries)
  }
  return entries
}

async function addEntries(
  disk: Disk,
  folder: string,
  names: readonly string[],
  entries: ListEntry[],
): Promise<void> {
  const left = names.values()
  const work = async (): Promise<void> => {
    for (const id of left) {
      const found = await unless(['ENOENT'], undefined, disk.stat(join(folder, id)))
      if (found?.isFile() === true) entries.push({ id, size: found.size })
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallelMax, names.length) }, work))
}
