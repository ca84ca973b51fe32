/** Knows where the properties that clients set on plain files are kept: in a tree of our own that mirrors theirs. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { BackendError } from '../../fencing/ports.js'
import { unless } from './faults.js'
import type { Path } from './plain-paths.js'
import { copyTree, discard } from './plain-trees.js'

const fileName = 'properties.json'
/** Folders that mirror a name begin with it, so that none is called like the file. */
const mark = '+'

const propertiesSchema = z.array(
  z.object({
    namespace: z.string(),
    local: z.string(),
    inner: z.string(),
    language: z.string().optional(),
  }),
)

export interface Property {
  readonly namespace: string
  readonly local: string
  readonly inner: string
  readonly language?: string
}

export class PlainProperties {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async of(path: Path): Promise<readonly Property[]> {
    const file = join(this.#folderOf(path), fileName)
    const text = await unless(missing, undefined, readFile(file, 'utf8'))
    if (text === undefined) return []
    const parsed = propertiesSchema.safeParse(parseJson(text))
    if (!parsed.success) throw new BackendError('corrupt', `"${file}" has no properties in it`)
    return parsed.data.map(({ language, ...rest }) => {
      return language === undefined ? rest : { ...rest, language }
    })
  }

  async in(folder: Path): Promise<ReadonlyMap<string, readonly Property[]>> {
    const names = await unless(missing, [], readdir(this.#folderOf(folder)))
    const found = new Map<string, readonly Property[]>()
    for (const mirrored of names.filter((name) => name.startsWith(mark))) {
      const name = mirrored.slice(mark.length)
      found.set(name, await this.of([...folder, name]))
    }
    return found
  }

  async set(path: Path, properties: readonly Property[]): Promise<void> {
    const folder = this.#folderOf(path)
    if (properties.length === 0) {
      await rm(join(folder, fileName), { force: true })
      return
    }
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const ready = join(folder, `new-${randomUUID()}`)
    await writeFile(ready, JSON.stringify(properties), { mode: 0o600 })
    await rename(ready, join(folder, fileName))
  }

  async remove(path: Path): Promise<void> {
    await discard(this.#folderOf(path))
  }

  async move(from: Path, to: Path): Promise<void> {
    await this.remove(to)
    const target = this.#folderOf(to)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await unless(missing, undefined, rename(this.#folderOf(from), target))
  }

  async copy(from: Path, to: Path, isShallow: boolean): Promise<void> {
    await this.remove(to)
    if (isShallow) await this.set(to, await this.of(from))
    else {
      const target = this.#folderOf(to)
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await unless(missing, undefined, copyTree(this.#folderOf(from), target, false))
    }
  }

  #folderOf(path: Path): string {
    return join(this.#folder, ...path.map((name) => `${mark}${name}`))
  }
}

const missing = ['ENOENT', 'ENOTDIR'] as const

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
