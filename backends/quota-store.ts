/**
 * Knows how many bytes a store holds, and refuses packs once they are too many. The same store otherwise.
 *
 * Counted is what clients brought: objects, what is being received, and the quarantine, and files beside the repositories
 * where somebody else hands in their sizes. Of objects packs are refused first, and they are nearly all of it: with room
 * for locks and indexes a full store can still be read, forgotten from and pruned. That room is bounded too.
 *
 * The count begins with a walk over everything. Until it has ended packs are put off, and all else is served. What is
 * deleted meanwhile is not taken off, since nobody knows whether the walk has seen it: the count errs on the full side until
 * the next start, as it does for files that are no objects and for whatever is changed past the gateway.
 */
import { listedTypes, typeOf, type ObjectName, type RepositoryId } from '../fencing/object.js'
import {
  BackendError,
  type Held,
  type ObjectStore,
  type OutsideWriter,
} from '../fencing/ports.js'

export interface QuotaOptions {
  readonly store: ObjectStore
  readonly bytesMax: number
}

export interface Progress {
  readonly bytes: number
  /** The one that is being counted; none where it is files beside them. */
  readonly repository?: RepositoryId
}

/** For what lies beside the repositories and counts with them. */
export interface Space {
  /** Throws where so many more bytes, or any at all, may not come in. */
  readonly require: (bytes: number) => void
  readonly take: (bytes: number) => void
  readonly giveBack: (bytes: number) => void
}

export interface Quota {
  readonly store: ObjectStore
  readonly space: Space
  /** Walks over everything, once, and over the sizes of what lies beside; answers the bytes. */
  readonly count: (
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
    beside?: AsyncIterable<number>,
  ) => Promise<number>
}

function stillCounting(): BackendError {
  return new BackendError('unavailable', 'the bytes in the store are still being counted')
}

function fullError(bytes: number, used: number, bytesMax: number): BackendError {
  const full = `${used} of at most ${bytesMax} bytes are used`
  return new BackendError('no-space', `${bytes} more bytes do not fit: ${full}`)
}

/** For what a prune writes before it makes room: indexes are about a hundredth of the packs. */
function roomBeyond(bytesMax: number): number {
  return Math.max(64 * 1024 ** 2, bytesMax / 16)
}

const prefixes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function withQuota({ store, bytesMax }: QuotaOptions): Quota {
  const { stageOutside } = store
  let used = 0
  let isCounted = false

  const requireBelow = (max: number, bytes: number): void => {
    if (used + bytes > max) throw fullError(bytes, used, bytesMax)
  }
  const requireSpace = (bytes: number): void => {
    if (!isCounted) throw stillCounting()
    requireBelow(bytesMax, bytes)
  }
  const requireFor = (object: ObjectName | undefined, bytes: number): void => {
    if (object === undefined || typeOf(object) === 'data') requireSpace(bytes)
    else if (isCounted) requireBelow(bytesMax + roomBeyond(bytesMax), bytes)
  }
  /** What is not staged in the end does not count. */
  const receiving = async <T>(
    object: ObjectName | undefined,
    receive: (more: (bytes: number) => void) => Promise<T>,
  ): Promise<T> => {
    let received = 0
    try {
      return await receive((bytes) => {
        requireFor(object, bytes)
        received += bytes
        used += bytes
      })
    } catch (error) {
      used -= received
      throw error
    }
  }
  const takeOff = (bytes: number): void => {
    if (isCounted) used = Math.max(0, used - bytes)
  }
  const counting = (remove: ObjectStore['remove']): ObjectStore['remove'] => {
    return async (repository, object) => {
      const bytes = (await store.stat(repository, object)) ?? 0
      await remove(repository, object)
      takeOff(bytes)
    }
  }

  return {
    store: {
      ...store,
      requireSpace: requireFor,
      stage: (repository, id, body, signal, object) =>
        receiving(object, (more) => {
          return store.stage(repository, id, heard(body, more), signal, object)
        }),
      ...(stageOutside === undefined
        ? {}
        : {
            stageOutside: (repository, id, object, write) =>
              receiving(object, (more) =>
                stageOutside(repository, id, object, alsoHeard(write, more)),
              ),
          }),
      discard: async (repository, held) => {
        const bytes = await sizeOfHeld(store, repository, held)
        await store.discard(repository, held)
        takeOff(bytes)
      },
      remove: counting(store.remove),
      ...(store.unlink === undefined ? {} : { unlink: counting(store.unlink) }),
    },
    space: {
      require: requireSpace,
      take: (bytes) => {
        used += bytes
      },
      giveBack: takeOff,
    },
    count: async (signal, onProgress, beside) => {
      for (const repository of await store.repositories()) {
        for await (const bytes of sizesIn(store, repository)) {
          signal.throwIfAborted()
          used += bytes
          onProgress({ bytes: used, repository })
        }
      }
      for await (const bytes of beside ?? []) {
        signal.throwIfAborted()
        used += bytes
        onProgress({ bytes: used })
      }
      isCounted = true
      return used
    },
  }
}

function alsoHeard(write: OutsideWriter, hear: (bytes: number) => void): OutsideWriter {
  return (place, more) =>
    write(place, (bytes) => {
      hear(bytes)
      more(bytes)
    })
}

async function* heard(
  body: AsyncIterable<Uint8Array>,
  more: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    more(chunk.byteLength)
    yield chunk
  }
}

/** What is held comes first: it may become an object meanwhile, and is then counted twice rather than never. */
async function* sizesIn(store: ObjectStore, repository: RepositoryId): AsyncGenerator<number> {
  for (const area of ['staging', 'quarantine'] as const) {
    for (const id of await store.held(repository, area)) {
      yield sizeOfHeld(store, repository, { area, id })
    }
  }
  yield (await store.stat(repository, 'config' as ObjectName)) ?? 0
  for (const type of listedTypes) {
    // Packs are too many for one list.
    for (const prefix of type === 'data' ? prefixes : ['']) {
      const entries = (await store.list(repository, type, prefix)) ?? []
      const listed = entries.filter(({ id }) => id.startsWith(prefix))
      yield listed.reduce((sum, { size }) => sum + size, 0)
    }
  }
}

async function sizeOfHeld(
  store: ObjectStore,
  repository: RepositoryId,
  held: Held,
): Promise<number> {
  const open = await store.openHeld(repository, held)
  await open?.close()
  return open?.size ?? 0
}
