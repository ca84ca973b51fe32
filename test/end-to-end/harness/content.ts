/** Knows test data: bytes that no compressor can shrink and that are the same in every run, and how to compare them. */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export const MIB = 2 ** 20

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

/** Bytes that depend on the seed only. */
export const randomBytes = (seed: string, size: number): Buffer => {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

/** What a folder or a snapshot holds: the hash of each file by its path. */
export type Contents = ReadonlyMap<string, string>

/** Writes files of the given sizes below the folder, e.g. `{ 'a/b': 2 * MIB }`. */
export const writeFiles = async (
  folder: string,
  seed: string,
  sizes: Readonly<Record<string, number>>,
): Promise<void> => {
  for (const [name, size] of Object.entries(sizes)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, randomBytes(`${seed}/${name}`, size))
  }
}

export const contentsOf = async (folder: string): Promise<Contents> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const contents = new Map<string, string>()
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    contents.set(path.slice(folder.length + 1), sha256(await readFile(path)))
  }
  return contents
}

export const contentsOfOne = (name: string, bytes: Uint8Array): Contents =>
  new Map([[name, sha256(bytes)]])

/** The paths that differ between the two, with how; empty if they are the same. */
export const differences = (expected: Contents, found: Contents): readonly string[] =>
  [...new Set([...expected.keys(), ...found.keys()])]
    .filter((path) => expected.get(path) !== found.get(path))
    .map((path) => {
      if (!found.has(path)) return `${path} is missing`
      return expected.has(path) ? `${path} differs` : `${path} was not expected`
    })
