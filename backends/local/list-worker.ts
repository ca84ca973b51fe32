/** Knows how to list folders of packs with calls that block: the body of a thread of its own. */
import { lstatSync, readdirSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { errnoOf } from './faults.js'
import { openedSync, withinSync } from './open-folders.js'
import { isPackOf } from './pack-names.js'

export interface ListOrder {
  readonly folder: string
  readonly shards: readonly string[]
}

/** Few and large values, which cross to another thread cheaply. */
export type ListReport =
  | { readonly ids: string; readonly sizes: Float64Array; readonly times: Float64Array }
  | { readonly errno: string | undefined; readonly message: string }

parentPort?.on('message', (order: ListOrder) => parentPort?.postMessage(reportOn(order)))

function reportOn({ folder, shards }: ListOrder): ListReport {
  const ids: string[] = []
  const sizes: number[] = []
  const times: number[] = []
  try {
    withinSync(folder, (reached) => {
      for (const shard of shards) {
        inShard(`${reached}/${shard}`, (opened) => {
          for (const id of readdirSync(opened)) {
            if (!isPackOf(shard, id)) continue
            const found = lstatSync(`${opened}/${id}`, { throwIfNoEntry: false })
            if (found?.isFile() !== true) continue
            ids.push(id)
            sizes.push(found.size)
            times.push(found.mtimeMs)
          }
        })
      }
    })
  } catch (error) {
    return { errno: errnoOf(error), message: String(error) }
  }
  return { ids: ids.join(''), sizes: new Float64Array(sizes), times: new Float64Array(times) }
}

function inShard(path: string, act: (opened: string) => void): void {
  try {
    openedSync(path, act)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
