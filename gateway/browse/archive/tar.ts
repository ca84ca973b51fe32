/** Writes a tar archive (POSIX pax) piece by piece: names stay bytes, times keep their nanoseconds. */
import { unixPermissions } from '../../../formats/restic/go-values.js'
import type { Node } from '../../../formats/restic/node.js'
import type { BrowsedRepository } from '../browsed-repository.js'
import { walk, type Walked } from './walk.js'

const blockBytes = 512
const nameBytesMax = 100
const octalMax = 0o77777777777
const idMax = 0o7777777
const nsPerSecond = 1_000_000_000n
const linksRememberedMax = 1_000_000

const typeFlags: Partial<Record<Node['type'], string>> = {
  file: '0',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
}

/** All that lies below the nodes. What no archive can hold (sockets) is left out. */
export async function* tarOf(
  repository: BrowsedRepository,
  nodes: Iterable<Node>,
): AsyncGenerator<Buffer> {
  const links = new Map<string, Buffer>()
  for (const node of nodes) {
    for await (const walked of walk(repository, node)) yield* entryOf(repository, walked, links)
  }
  yield Buffer.alloc(2 * blockBytes)
}

async function* entryOf(
  repository: BrowsedRepository,
  { path, node }: Walked,
  links: Map<string, Buffer>,
): AsyncGenerator<Buffer> {
  const flag = typeFlags[node.type]
  if (flag === undefined) return
  const joined = joinedPath(path, node)
  if (node.type !== 'file') {
    yield headerOf(node, { name: joined, flag, size: 0, link: node.linkTarget })
    return
  }
  const inode = `${node.deviceId}:${node.inode}`
  const first = node.links > 1n ? links.get(inode) : undefined
  if (first !== undefined) {
    yield headerOf(node, { name: joined, flag: '1', size: 0, link: first })
    return
  }
  if (node.links > 1n && links.size < linksRememberedMax) links.set(inode, joined)
  const content = await repository.content(node)
  yield headerOf(node, { name: joined, flag, size: content.size, link: undefined })
  yield* content.read()
  const rest = content.size % blockBytes
  if (rest > 0) yield Buffer.alloc(blockBytes - rest)
}

export function joinedPath(path: readonly Buffer[], { type }: Pick<Node, 'type'>): Buffer {
  const parts = path.flatMap((name) => [Buffer.from('/'), name]).slice(1)
  return Buffer.concat(type === 'dir' ? [...parts, Buffer.from('/')] : parts)
}

interface HeaderParts {
  readonly name: Buffer
  readonly flag: string
  readonly size: number
  readonly link: Buffer | undefined
}

/** The header, with another before it that holds what has no room or no place in it. */
function headerOf(node: Node, { name, flag, size, link }: HeaderParts): Buffer {
  const records: Buffer[] = []
  if (name.length > nameBytesMax) records.push(record('path', name))
  if (link !== undefined && link.length > nameBytesMax) records.push(record('linkpath', link))
  if (size > octalMax) records.push(record('size', String(size)))
  if (node.uid > idMax) records.push(record('uid', String(node.uid)))
  if (node.gid > idMax) records.push(record('gid', String(node.gid)))
  const seconds = floorSeconds(node.modified)
  if (node.modified < 0n || node.modified % nsPerSecond !== 0n || seconds > octalMax) {
    records.push(record('mtime', decimalSeconds(node.modified)))
  }
  for (const { name: attribute, value } of node.extendedAttributes) {
    if (!/[=\0]/.test(attribute)) records.push(record(`SCHILY.xattr.${attribute}`, value))
  }
  const header = plainHeader(node, { name, flag, size, link })
  if (records.length === 0) return header
  const body = Buffer.concat(records)
  const padding = Buffer.alloc((blockBytes - (body.length % blockBytes)) % blockBytes)
  const before = plainHeader(node, {
    name: Buffer.from('pax'),
    flag: 'x',
    size: body.length,
    link: undefined,
  })
  return Buffer.concat([before, body, padding, header])
}

/** `LENGTH KEY=VALUE\n`, the length being that of all of it. */
function record(key: string, value: Buffer | string): Buffer {
  const rest = Buffer.concat([
    Buffer.from(` ${key}=`),
    Buffer.from(value as string),
    Buffer.from('\n'),
  ])
  let length = rest.length
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length
  }
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function floorSeconds(ns: bigint): number {
  const seconds = ns / nsPerSecond
  return Number(ns < 0n && ns % nsPerSecond !== 0n ? seconds - 1n : seconds)
}

function decimalSeconds(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns
  const fraction = String(magnitude % nsPerSecond)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const whole = `${ns < 0n ? '-' : ''}${magnitude / nsPerSecond}`
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function plainHeader(node: Node, { name, flag, size, link }: HeaderParts): Buffer {
  const header = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, width: number): void => {
    const bounded = Math.min(Math.max(value, 0), 8 ** (width - 1) - 1)
    header.write(bounded.toString(8).padStart(width - 1, '0'), at, 'latin1')
  }
  name.copy(header, 0, 0, nameBytesMax)
  octal(flag === 'x' ? 0o644 : unixPermissions(node.mode), 100, 8)
  octal(node.uid > idMax ? 0 : node.uid, 108, 8)
  octal(node.gid > idMax ? 0 : node.gid, 116, 8)
  octal(size, 124, 12)
  octal(floorSeconds(node.modified), 136, 12)
  header.write(' '.repeat(8), 148, 'latin1')
  header.write(flag, 156, 'latin1')
  link?.copy(header, 157, 0, nameBytesMax)
  header.write('ustar\u000000', 257, 'latin1')
  header.write(ownerName(node.user), 265, 'utf8')
  header.write(ownerName(node.group), 297, 'utf8')
  if (flag === '3' || flag === '4') {
    octal(Number((node.device >> 8n) & 0xfffn), 329, 8)
    octal(Number((node.device & 0xffn) | ((node.device >> 12n) & 0xfff00n)), 337, 8)
  }
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** The field has 32 bytes, its end included. */
function ownerName(name: string): string {
  return Buffer.byteLength(name) > 31 ? '' : name
}
