/** Knows what must be true of the folder of a gateway that was killed. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exchange } from '../end-to-end/harness/exchange.js'

const types = ['data', 'index', 'keys', 'locks', 'snapshots']

/** The objects that a client was told are saved, and that nobody has asked to delete since. */
export const acknowledged = (exchanges: readonly Exchange[]): readonly string[] => {
  const objects = new Set<string>()
  for (const { method, path, answer } of exchanges) {
    const object = /\/repo\/([a-z]+\/[0-9a-f]{64})$/.exec(path)?.[1]
    if (object === undefined) continue
    if (method === 'POST' && answer?.status === 200) objects.add(object)
    if (method === 'DELETE') objects.delete(object)
  }
  return [...objects]
}

/** Every object below the repository's folder whose content is not what its name says, and every file that is none. */
export const halfWritten = async (folder: string): Promise<readonly string[]> => {
  const problems: string[] = []
  for (const { path, name } of await objectsOf(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name)) problems.push(`${path} is no object`)
    else if (digestOf(await readFile(path)) !== name) problems.push(`${path} is not its hash`)
  }
  return problems
}

/** What of these objects is not there. */
export const missing = async (
  folder: string,
  objects: readonly string[],
): Promise<readonly string[]> => {
  const there = new Set((await objectsOf(folder)).map(({ type, name }) => `${type}/${name}`))
  return objects
    .filter((object) => !there.has(object))
    .map((object) => `${object} was acknowledged and is gone`)
}

/** The files that hold bodies which were being received. */
export const stagedIn = async (repositories: string): Promise<readonly string[]> =>
  readdir(join(repositories, '.lockkeeper', 'staging')).catch(() => [])

const objectsOf = async (folder: string) => {
  const found: { type: string; path: string; name: string }[] = []
  for (const type of types) {
    const entries = await readdir(join(folder, type), { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((one) => one.isFile()))
      found.push({ type, path: join(entry.parentPath, entry.name), name: entry.name })
  }
  return found
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
