/** An object store in memory, for the doors' tests. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { BackendError, type ObjectStore, type Held } from '../../fencing/ports.js'
import type { RepositoryId } from '../../fencing/object.js'

export function memoryStore(): ObjectStore {
  const repos = new Map<RepositoryId, Map<string, Buffer>>()
  const held = new Map<string, Buffer>()
  const at = (r: RepositoryId): Map<string, Buffer> => {
    const objects = repos.get(r)
    if (objects === undefined) throw new BackendError('not-found', `no "${r}"`)
    return objects
  }
  const key = (r: RepositoryId, h: Held): string => `${r}|${h.area}|${h.id}`
  const sha = (b: Buffer): string => createHash('sha256').update(b).digest('hex')
  const open = (b: Buffer | undefined) =>
    b && {
      size: b.length,
      read: (range?: { start: number; end: number }) =>
        Readable.from(
          (function* () {
            const part = range ? b.subarray(range.start, range.end + 1) : b
            for (let i = 0; i < part.length; i += 65536) yield part.subarray(i, i + 65536)
          })(),
          { objectMode: false },
        ),
      close: async () => undefined,
    }
  return {
    create: async (r) => {
      if (!repos.has(r)) repos.set(r, new Map())
    },
    exists: async (r) => repos.has(r),
    repositories: async () => [...repos.keys()],
    stat: async (r, o) => repos.get(r)?.get(o)?.length,
    open: async (r, o) => open(repos.get(r)?.get(o)),
    digest: async (r, o) => {
      const b = repos.get(r)?.get(o)
      return b && { size: b.length, sha256: sha(b) }
    },
    list: async (r, t) => {
      const objects = repos.get(r)
      if (objects === undefined) return undefined
      return [...objects]
        .filter(([n]) => n.startsWith(`${t}/`))
        .map(([n, b]) => ({ id: n.slice(t.length + 1), size: b.length }))
    },
    stage: async (r, id, body, signal) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) {
        signal?.throwIfAborted()
        chunks.push(chunk)
      }
      signal?.throwIfAborted()
      const whole = Buffer.concat(chunks)
      held.set(key(r, { area: 'staging', id }), whole)
      return { size: whole.length, sha256: sha(whole) }
    },
    publish: async (r, h, o) => {
      const b = held.get(key(r, h))
      if (b === undefined) return 'gone'
      if (at(r).has(o)) return 'exists'
      at(r).set(o, b)
      held.delete(key(r, h))
      return 'published'
    },
    keep: async (r, staged, item) => {
      const from = key(r, { area: 'staging', id: staged })
      const b = held.get(from)
      if (b === undefined) return false
      held.set(key(r, { area: 'quarantine', id: item }), b)
      held.delete(from)
      return true
    },
    discard: async (r, h) => void held.delete(key(r, h)),
    openHeld: async (r, h) => open(held.get(key(r, h))),
    held: async (r, area) =>
      [...held.keys()].flatMap((k) => {
        const [repo, a, id] = k.split('|')
        return repo === r && a === area && id !== undefined ? [id] : []
      }),
    remove: async (r, o) => void repos.get(r)?.delete(o),
  }
}
