/** Walks what lies below an entry, for an archive: every name is plain, so that nothing of it leads out of its folder. */
import { isPlainName, type Node } from '../../../formats/restic/node.js'
import type { BrowsedRepository } from '../browsed-repository.js'

export interface Walked {
  /** The names from the archive's own root on. */
  readonly path: readonly Buffer[]
  readonly node: Node
}

const depthMax = 1000

/** A folder comes before what is in it. Entries of names that no file system can have are left out. */
export async function* walk(
  repository: BrowsedRepository,
  node: Node,
  above: readonly Buffer[] = [],
): AsyncGenerator<Walked> {
  if (!isPlainName(node.name)) return
  const path = [...above, node.name]
  if (path.length > depthMax) throw new RangeError('folders are nested too deeply')
  yield { path, node }
  if (node.subtree === undefined) return
  for (const child of await repository.tree(node.subtree)) yield* walk(repository, child, path)
}
