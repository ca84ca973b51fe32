/** Plain files whose bytes count towards a bound; the same files otherwise. */
import { KeyedMutex } from '../gate/keyed-mutex.js'
import { isRefusedPlace } from './refusals.js'
import type { PlainFiles, PlainPath, PlainResult } from './plain-files.js'

/** What is left below the bound. */
export interface Space {
  /** Throws a BackendError where so many more bytes may not come in, or where it is not known yet how many are there. */
  readonly require: (bytes: number) => void
  readonly take: (bytes: number) => void
  readonly giveBack: (bytes: number) => void
}

/** Trees are walked over where they are copied or removed whole, which takes a walk anyway; nothing else is. */
export function boundedFiles(files: PlainFiles, space: Space): PlainFiles {
  const mutex = new KeyedMutex()
  /** One after another: what goes at the same time in two ways must not be given back twice. */
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => mutex.run('files', act)
  /** What stood at the path is given back where the act has replaced it. */
  const replacing = <T>(path: PlainPath, act: () => Promise<T>): Promise<T> => {
    return inTurn(async () => {
      const bytes = await bytesBelow(files, path)
      const result = await act()
      if (result === 'replaced') space.giveBack(bytes)
      return result
    })
  }
  return {
    stat: (path) => files.stat(path),
    list: (path) => files.list(path),
    open: (path) => files.open(path),
    makeFolder: (path) => files.makeFolder(path),
    properties: (path) => files.properties(path),
    propertiesIn: (folder) => files.propertiesIn(folder),
    setProperties: (path, properties) => files.setProperties(path, properties),
    requireSpace: (bytes) => space.require(bytes),
    put: (path, body, signal) => {
      const placing = (act: () => Promise<number>): Promise<number> => {
        return inTurn(async () => {
          const bytes = await act()
          space.giveBack(bytes)
          return bytes
        })
      }
      return taking(space, (take) => files.put(path, counted(body, take), signal, placing))
    },
    copy: (from, to, how) => {
      return replacing(to, () =>
        taking(space, async (take) => {
          take(await bytesBelow(files, from, how.isShallow))
          return files.copy(from, to, how)
        }),
      )
    },
    move: async (from, to, replaces) => {
      // While all is being counted, nothing may get from where nobody has counted yet to where somebody has.
      space.require(0)
      return replacing(to, () => files.move(from, to, replaces))
    },
    remove: (path) => {
      return inTurn(async () => {
        const bytes = await bytesBelow(files, path)
        const result = await files.remove(path)
        if (result === 'created') space.giveBack(bytes)
        return result
      })
    },
  }
}

async function bytesBelow(
  files: PlainFiles,
  path: PlainPath,
  isShallow = false,
): Promise<number> {
  if (isShallow) return (await files.stat(path))?.size ?? 0
  let bytes = 0
  for await (const some of sizesBelow(files, path)) bytes += some
  return bytes
}

/** Of a file, or of a folder with all that is in it, as far as it can be seen; a repository has no plain files. */
export async function* sizesBelow(files: PlainFiles, path: PlainPath): AsyncGenerator<number> {
  try {
    const entry = await files.stat(path)
    if (entry === undefined || entry.isRepository) return
    yield entry.size
    if (entry.isFolder) yield* sizesIn(files, path)
  } catch (error) {
    if (!isRefusedPlace(error)) throw error
  }
}

async function* sizesIn(files: PlainFiles, folder: PlainPath): AsyncGenerator<number> {
  for await (const entries of files.list(folder)) {
    yield entries.reduce((sum, { size }) => sum + size, 0)
    for (const { name, isFolder } of entries) {
      if (isFolder) yield* sizesBelow(files, [...folder, name])
    }
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  take: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    take(chunk.byteLength)
    yield chunk
  }
}

/** What was taken is given back unless something came of it. */
async function taking(
  space: Space,
  act: (take: (bytes: number) => void) => Promise<PlainResult>,
): Promise<PlainResult> {
  let taken = 0
  let result: PlainResult = 'missing'
  try {
    result = await act((bytes) => {
      space.require(bytes)
      space.take(bytes)
      taken += bytes
    })
    return result
  } finally {
    if (result !== 'created' && result !== 'replaced') space.giveBack(taken)
  }
}
