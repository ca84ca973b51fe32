/** Reads blobs of a repository one by one, by an index in a map: as slow and as plain as can be. */
import { openBlob } from '../../formats/restic/blob.js'
import type { Id } from '../../formats/restic/id.js'
import type { BlobPlace } from '../../formats/restic/index-file.js'
import type { Node } from '../../formats/restic/node.js'
import { loadIndex, type KeyedRepository } from '../../formats/restic/repository.js'
import { parseTree, type Tree } from '../../formats/restic/tree.js'

export interface Located {
  readonly pack: string
  readonly place: BlobPlace
}

export class PlainReader {
  readonly repository: KeyedRepository
  readonly blobs = new Map<Id, Located>()

  private constructor(repository: KeyedRepository) {
    this.repository = repository
  }

  static async open(repository: KeyedRepository): Promise<PlainReader> {
    const reader = new PlainReader(repository)
    for (const { id } of await repository.files.list('index')) {
      let pack = ''
      await loadIndex(repository, id, {
        pack: (name) => (pack = name.toString('hex')),
        blob: (name, place) =>
          reader.blobs.set(name.toString('hex') as Id, { pack, place: { ...place } }),
      })
    }
    return reader
  }

  async blob(id: Id, { files, key } = this.repository): Promise<Buffer> {
    const located = this.blobs.get(id)
    if (located === undefined) throw new Error(`no blob ${id}`)
    const { pack, place } = located
    const file = await files.open(`data/${pack}`)
    if (file === undefined) throw new Error(`no pack ${pack}`)
    try {
      const sealed = await file.read(place.offset, place.length)
      return await openBlob(key, { id, place, sealed })
    } finally {
      await file.close()
    }
  }

  async tree(id: Id): Promise<Tree> {
    return parseTree(await this.blob(id))
  }

  /** All of a file. */
  async content(node: Node): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let at = 0; at < node.content.length; at += 32) {
      parts.push(await this.blob(node.content.toString('hex', at, at + 32) as Id))
    }
    return Buffer.concat(parts)
  }

  /** Every entry below a tree, with its path in bytes. */
  async *walk(id: Id, above = Buffer.alloc(0)): AsyncGenerator<{ path: Buffer; node: Node }> {
    for (const node of await this.tree(id)) {
      const path = Buffer.concat([above, Buffer.from('/'), node.name])
      yield { path, node }
      if (node.subtree !== undefined) yield* this.walk(node.subtree, path)
    }
  }
}
