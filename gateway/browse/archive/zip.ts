/** Writes a zip archive piece by piece: not compressed, of any size, for those who have no tar. */
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import yazl from 'yazl'
import { unixPermissions } from '../../../formats/restic/go-values.js'
import type { Node } from '../../../formats/restic/node.js'
import type { BrowsedRepository } from '../browsed-repository.js'
import { joinedPath } from './tar.js'
import { walk, type Walked } from './walk.js'

const zip64Bytes = 0xffff_0000
const [earliest, latest] = [Date.UTC(1980, 0, 2), Date.UTC(2107, 11, 30)]
const linkType = 0o120000
const fileType = 0o100000

/** All that lies below the nodes; links are links, and what is neither file, folder nor link is left out. */
export function zipOf(repository: BrowsedRepository, nodes: Iterable<Node>): Readable {
  const zip = new yazl.ZipFile()
  const output = new PassThrough()
  zip.outputStream.pipe(output)
  const fail = (error: unknown): void => {
    output.destroy(error instanceof Error ? error : new Error(String(error)))
  }
  zip.on('error', fail)
  addAll(repository, nodes, zip, output).then(() => zip.end(), fail)
  return output
}

async function addAll(
  repository: BrowsedRepository,
  nodes: Iterable<Node>,
  zip: yazl.ZipFile,
  output: PassThrough,
): Promise<void> {
  for (const node of nodes) {
    for await (const walked of walk(repository, node)) {
      if (output.destroyed) return
      await add(repository, walked, zip, output)
    }
  }
}

async function add(
  repository: BrowsedRepository,
  { path, node }: Walked,
  zip: yazl.ZipFile,
  output: PassThrough,
): Promise<void> {
  const name = zipName(joinedPath(path, node))
  const ms = Number(node.modified / 1_000_000n)
  const mtime = new Date(Math.min(Math.max(ms, earliest), latest))
  const permissions = unixPermissions(node.mode)
  if (node.type === 'dir') zip.addEmptyDirectory(name, { mtime, mode: 0o40000 | permissions })
  else if (node.type === 'symlink') {
    const options = { mtime, mode: linkType | 0o777, compress: false }
    zip.addBuffer(node.linkTarget ?? Buffer.alloc(0), name, options)
  } else if (node.type === 'file') {
    const content = await repository.content(node)
    const { size } = content
    const stream = Readable.from(content.read(), { objectMode: false })
    // One that has failed, or that nobody reads any more, must not leave this waiting.
    const end = (): void => void stream.destroy()
    output.once('close', end)
    zip.addReadStream(stream, name, {
      ...{ mtime, mode: fileType | permissions, compress: false, size },
      forceZip64Format: size >= zip64Bytes,
    })
    try {
      await finished(stream)
    } finally {
      output.off('close', end)
    }
  }
}

/** Names in a zip are UTF-8 with slashes; a byte that is none, or a backslash, stands as %XX. */
function zipName(path: Buffer): string {
  const text = path.toString('utf8')
  const readable = Buffer.from(text).equals(path)
    ? text
    : path.toString('latin1').replace(/[\x80-\xff]/g, asPercent)
  return readable.replace(/[\\:]/g, asPercent)
}

function asPercent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
}
