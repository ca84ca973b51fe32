/** Decides how large each kind of object may be; the same store otherwise. Packs have no bound: a tree of restic's may be huge. */
import { typeOf, type ObjectName, type ObjectType } from '../fencing/object.js'
import { BackendError, type ObjectStore, type OutsideWriter } from '../fencing/ports.js'

const MIB = 1024 ** 2

/**
 * restic writes a few hundred bytes of key, lock and config. A snapshot names every path that was given to it, and an
 * index has at most 50,000 blobs (8 MiB), or all of a pack that has more.
 */
export const objectBytesMax: Readonly<Partial<Record<ObjectType, number>>> = {
  config: MIB,
  keys: MIB,
  locks: MIB,
  snapshots: 64 * MIB,
  index: 256 * MIB,
}

export function withBoundedObjects(store: ObjectStore): ObjectStore {
  const { stageOutside, requireSpace } = store
  return {
    ...store,
    requireSpace: (object, bytes) => {
      requireSmall(object, bytes)
      requireSpace?.(object, bytes)
    },
    stage: (repository, id, body, signal, object) => {
      const bounded = object === undefined ? body : counted(body, adding(object))
      return store.stage(repository, id, bounded, signal, object)
    },
    ...(stageOutside === undefined
      ? {}
      : {
          stageOutside: (repository, id, object, write) =>
            stageOutside(repository, id, object, countedOutside(write, adding(object))),
        }),
  }
}

function requireSmall(object: ObjectName, bytes: number): void {
  const max = objectBytesMax[typeOf(object)]
  if (max === undefined || bytes <= max) return
  throw new BackendError('too-large', `${object} has more than ${max} bytes`)
}

/** Hears of each part, and throws at the one that is too much. */
function adding(object: ObjectName): (bytes: number) => void {
  let all = 0
  return (bytes) => {
    all += bytes
    requireSmall(object, all)
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  more: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    more(chunk.byteLength)
    yield chunk
  }
}

function countedOutside(write: OutsideWriter, hear: (bytes: number) => void): OutsideWriter {
  return (place, more) =>
    write(place, (bytes) => {
      hear(bytes)
      more(bytes)
    })
}
