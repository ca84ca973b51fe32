/** Reads one entry of a folder in a snapshot, with all that restic noted of it. */
import { damaged } from './format-error.js'
import { parseTime, unquote } from './go-values.js'
import { idBytes, type Id } from './id.js'
import type { JsonScanner } from './json-scanner.js'

export const nodeTypes = [
  'file',
  'dir',
  'symlink',
  'dev',
  'chardev',
  'fifo',
  'socket',
  'irregular',
] as const
export type NodeType = (typeof nodeTypes)[number]

export interface ExtendedAttribute {
  readonly name: string
  readonly value: Buffer
}

/** Times are nanoseconds since 1970. */
export interface Node {
  /** Bytes, as the file system had them; not checked: see `isPlainName`. */
  readonly name: Buffer
  readonly type: NodeType
  /** Go's os.FileMode. */
  readonly mode: number
  readonly modified: bigint
  readonly accessed: bigint
  readonly changed: bigint
  readonly uid: number
  readonly gid: number
  readonly user: string
  readonly group: string
  readonly inode: bigint
  readonly deviceId: bigint
  /** Bytes, as they were when the file was looked at; its blobs may have another sum. */
  readonly size: bigint
  readonly links: bigint
  readonly linkTarget: Buffer | undefined
  readonly extendedAttributes: readonly ExtendedAttribute[]
  /** Of Windows: JSON by name. */
  readonly genericAttributes: ReadonlyMap<string, string>
  /** Of a device file. */
  readonly device: bigint
  /** The names of the blobs of a file, 32 bytes each. */
  readonly content: Buffer
  /** The tree of a folder. */
  readonly subtree: Id | undefined
  /** What went wrong when it was read. */
  readonly error: string | undefined
}

type Draft = { -readonly [K in keyof Node]: Node[K] }

const zeroTime = parseTime('0001-01-01T00:00:00Z')
const noBytes: Buffer = Buffer.alloc(0)
const noAttributes: readonly ExtendedAttribute[] = []
const noGenerics: ReadonlyMap<string, string> = new Map()

export function readNode(scanner: JsonScanner): Node {
  const node: Draft = {
    name: noBytes,
    type: 'irregular',
    mode: 0,
    modified: zeroTime,
    accessed: zeroTime,
    changed: zeroTime,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    inode: 0n,
    deviceId: 0n,
    size: 0n,
    links: 0n,
    linkTarget: undefined,
    extendedAttributes: noAttributes,
    genericAttributes: noGenerics,
    device: 0n,
    content: noBytes,
    subtree: undefined,
    error: undefined,
  }
  let rawTarget: Buffer | undefined
  const fields = readersOf(node, scanner)
  scanner.object((key) => {
    if (key === 'linktarget_raw') rawTarget = scanner.base64()
    else if (Object.hasOwn(fields, key) && !scanner.takesNull()) fields[key]?.()
    else if (!Object.hasOwn(fields, key)) scanner.skip()
  })
  // The readable one has lost what is no UTF-8.
  if (rawTarget !== undefined && rawTarget.length > 0) node.linkTarget = rawTarget
  if (node.name.length === 0) throw damaged('an entry of a tree has no name')
  return node
}

function readersOf(node: Draft, scanner: JsonScanner): Readonly<Record<string, () => void>> {
  return {
    name: () => (node.name = unquote(scanner.string())),
    type: () => (node.type = readType(scanner)),
    mode: () => (node.mode = scanner.uint32()),
    mtime: () => (node.modified = parseTime(scanner.text())),
    atime: () => (node.accessed = parseTime(scanner.text())),
    ctime: () => (node.changed = parseTime(scanner.text())),
    uid: () => (node.uid = scanner.uint32()),
    gid: () => (node.gid = scanner.uint32()),
    user: () => (node.user = scanner.text()),
    group: () => (node.group = scanner.text()),
    inode: () => (node.inode = scanner.uint64()),
    device_id: () => (node.deviceId = scanner.uint64()),
    size: () => (node.size = scanner.uint64()),
    links: () => (node.links = scanner.uint64()),
    linktarget: () => (node.linkTarget = scanner.string()),
    extended_attributes: () => (node.extendedAttributes = readAttributes(scanner)),
    generic_attributes: () => (node.genericAttributes = readGenerics(scanner)),
    device: () => (node.device = scanner.uint64()),
    content: () => (node.content = readContent(scanner)),
    subtree: () => (node.subtree = scanner.id()),
    error: () => (node.error = scanner.text()),
  }
}

function readType(scanner: JsonScanner): NodeType {
  const text = scanner.text()
  const type = nodeTypes.find((each) => each === text)
  // restic keeps what it does not know, too; nothing but its name and times can be shown.
  return type ?? 'irregular'
}

function readAttributes(scanner: JsonScanner): ExtendedAttribute[] {
  const attributes: ExtendedAttribute[] = []
  scanner.array(() => {
    let name = ''
    let value = noBytes
    scanner.object((key) => {
      if (key === 'name') name = scanner.text()
      else if (key === 'value') value = scanner.base64()
      else scanner.skip()
    })
    attributes.push({ name, value })
  })
  return attributes
}

function readGenerics(scanner: JsonScanner): Map<string, string> {
  const generics = new Map<string, string>()
  scanner.object((key) => generics.set(key, scanner.raw().toString('utf8')))
  return generics
}

function readContent(scanner: JsonScanner): Buffer {
  let ids: Buffer = Buffer.alloc(4 * idBytes)
  let length = 0
  scanner.array(() => {
    if (length === ids.length) ids = Buffer.concat([ids], 2 * length)
    scanner.copyId(ids, length)
    length += idBytes
  })
  return length === 0 ? noBytes : Buffer.from(ids.subarray(0, length))
}

/** False for a name that leads out of its folder, or that no file system can have. */
export function isPlainName(name: Buffer): boolean {
  if (name.length === 0 || name.includes(0x2f) || name.includes(0)) return false
  const text = name.length <= 2 ? name.toString('latin1') : ''
  return text !== '.' && text !== '..'
}
