/** The object store in memory: for tests and simulation. Nothing in it is durable. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type ListedType, type ObjectName, type RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type Held,
  type ListEntry,
  type ObjectStore,
  type OpenObject,
  type Staged,
} from '../../fencing/ports.js'
import { abortable } from '../abortable.js'

interface Contents {
  readonly objects: Map<ObjectName, Buffer>
  readonly held: Readonly<Record<Held['area'], Map<string, Buffer>>>
}

export function memoryStore(): ObjectStore {
  const repositories = new Map<RepositoryId, Contents>()
  const find = (repository: RepositoryId): Contents | undefined => repositories.get(repository)
  const of = (repository: RepositoryId): Contents => {
    const contents = find(repository)
    if (contents !== undefined) return contents
    throw new BackendError('not-found', `there is no repository "${repository}"`)
  }
  return {
    create: async (repository) => {
      repositories.set(repository, find(repository) ?? emptyRepository())
    },
    exists: async (repository) => find(repository) !== undefined,
    repositories: async () => [...repositories.keys()],
    stat: async (repository, object) => find(repository)?.objects.get(object)?.byteLength,
    open: async (repository, object) => opened(find(repository)?.objects.get(object)),
    digest: async (repository, object) => {
      const bytes = find(repository)?.objects.get(object)
      return bytes === undefined ? undefined : stagedAs(bytes)
    },
    list: async (repository, type) => {
      const contents = find(repository)
      return contents === undefined ? undefined : entriesOf(contents, type)
    },
    stage: async (repository, id, body, signal) => {
      const { staging } = of(repository).held
      const bytes = await gather(body, signal)
      if (staging.has(id)) throw new BackendError('conflict', `staging holds ${id} already`)
      staging.set(id, bytes)
      return stagedAs(bytes)
    },
    publish: async (repository, held, object) => {
      const contents = of(repository)
      const bytes = contents.held[held.area].get(held.id)
      if (bytes === undefined) return 'gone'
      if (contents.objects.has(object)) return 'exists'
      contents.objects.set(object, bytes)
      contents.held[held.area].delete(held.id)
      return 'published'
    },
    keep: async (repository, stagedId, itemId) => {
      const { staging, quarantine } = of(repository).held
      const bytes = staging.get(stagedId)
      if (bytes === undefined) return false
      if (quarantine.has(itemId)) {
        throw new BackendError('conflict', `quarantine holds other bytes as ${itemId}`)
      }
      quarantine.set(itemId, bytes)
      return staging.delete(stagedId)
    },
    discard: async (repository, held) => {
      find(repository)?.held[held.area].delete(held.id)
    },
    openHeld: async (repository, { area, id }) => opened(find(repository)?.held[area].get(id)),
    held: async (repository, area) => [...(find(repository)?.held[area].keys() ?? [])],
    remove: async (repository, object) => {
      find(repository)?.objects.delete(object)
    },
  }
}

function emptyRepository(): Contents {
  const held = { staging: new Map<string, Buffer>(), quarantine: new Map<string, Buffer>() }
  return { objects: new Map(), held }
}

async function gather(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of abortable(body, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function stagedAs(bytes: Buffer): Staged {
  return { size: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function opened(bytes: Buffer | undefined): OpenObject | undefined {
  if (bytes === undefined) return undefined
  return {
    size: bytes.byteLength,
    read: (range) =>
      Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)]),
    readInto: async (buffer, position) => bytes.copy(buffer, 0, position),
    close: async () => undefined,
  }
}

function entriesOf(contents: Contents, type: ListedType): ListEntry[] {
  const prefix = `${type}/`
  return [...contents.objects]
    .filter(([object]) => object.startsWith(prefix))
    .map(([object, bytes]) => ({ id: object.slice(prefix.length), size: bytes.byteLength }))
}
