/** Writes a repository into memory as no client would: with whatever blobs, trees and indexes a test wants. */
import { SealingKey } from '../../formats/restic/cipher.js'
import type { Id } from '../../formats/restic/id.js'
import type { FileName, OpenFile, RepositoryFiles } from '../../formats/restic/ports.js'
import type { KeyedRepository } from '../../formats/restic/repository.js'
import { seal, sha256 } from './sealing.js'

export interface ReadRange {
  readonly name: string
  readonly start: number
  readonly length: number
}

export class WrittenRepository {
  readonly key = new SealingKey(Buffer.alloc(64, 3))
  readonly stored = new Map<string, Buffer>()
  /** All that was read, in order. */
  readonly reads: ReadRange[] = []

  get keyed(): KeyedRepository {
    const config = { version: 2, id: '0'.repeat(64), chunkerPolynomial: '1' } as const
    return { files: this.files, key: this.key, keyId: '0'.repeat(64) as Id, config }
  }

  get files(): RepositoryFiles {
    return {
      list: async (type) =>
        [...this.stored]
          .filter(([name]) => name.startsWith(`${type}/`))
          .map(([name, { length }]) => ({ id: name.slice(type.length + 1), size: length })),
      open: async (name) => this.#open(name),
    }
  }

  #open(name: FileName): OpenFile | undefined {
    const bytes = this.stored.get(name)
    if (bytes === undefined) return undefined
    return {
      size: bytes.length,
      read: async (start, length) => {
        this.reads.push({ name, start, length })
        if (start + length > bytes.length) throw new Error('beyond its end')
        return Buffer.from(bytes.subarray(start, start + length))
      },
      close: async () => undefined,
    }
  }

  #put(type: string, content: Buffer): Id {
    const id = sha256(content)
    this.stored.set(`${type}/${id}`, content)
    return id
  }

  /** Puts blobs into one pack, with an index of its own; answers their names, and the index's. */
  addPack(
    contents: readonly Buffer[],
    type: 'data' | 'tree' = 'data',
  ): { ids: Id[]; index: Id; pack: Id } {
    const sealed = contents.map((content) => seal(this.key, content))
    const pack = this.#put('data', Buffer.concat(sealed))
    const ids = contents.map(sha256)
    let offset = 0
    const blobs = sealed.map(({ length }, at) => {
      const blob = { id: ids[at], type, offset, length }
      offset += length
      return blob
    })
    const text = Buffer.from(JSON.stringify({ packs: [{ id: pack, blobs }] }))
    return { ids, index: this.#put('index', seal(this.key, text)), pack }
  }

  /** A file's entry, its content cut into pieces that lie in one pack. */
  file(name: string, pieces: readonly Buffer[], more: object = {}): object {
    const { ids } = this.addPack(pieces)
    const size = pieces.reduce((sum, { length }) => sum + length, 0)
    return { ...entry(name, 'file'), mode: 0o644, size, content: ids, ...more }
  }

  folder(name: string, nodes: readonly object[]): object {
    return { ...entry(name, 'dir'), mode: 0x8000_01ed, subtree: this.tree(nodes) }
  }

  tree(nodes: readonly object[]): Id {
    const [id] = this.addPack([Buffer.from(JSON.stringify({ nodes }))], 'tree').ids
    return id as Id
  }

  addSnapshot(nodes: readonly object[], more: object = {}): Id {
    const snapshot = {
      time: '2026-11-30T12:00:00.5Z',
      tree: this.tree(nodes),
      paths: ['/home'],
      hostname: 'laptop',
      username: 'alice',
      ...more,
    }
    return this.#put('snapshots', seal(this.key, Buffer.from(JSON.stringify(snapshot))))
  }
}

/** The name is as Go quotes it. */
export const entry = (name: string, type: string): object => ({
  name,
  type,
  mtime: '2026-11-29T10:11:12.123456789Z',
  atime: '2026-11-29T10:11:12Z',
  ctime: '2026-11-29T10:11:12Z',
  uid: 1000,
  gid: 1000,
  user: 'alice',
  group: 'users',
})
