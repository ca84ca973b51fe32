/**
 * Knows who calls, which fuse-native does not say: the kernel's request names the calling thread, libfuse keeps that in
 * its context of the thread which serves the request (fuse.h, `struct fuse_context`), and this process can read its own
 * memory. Whatever does not look exactly as expected is answered with undefined: an unknown caller, never a wrong one.
 */
import { openSync, readFileSync, readSync } from 'node:fs'

/** The kernel's number of the calling thread, as /proc names it. */
export type ThreadId = number

/**
 * Where fuse-native 2.2.6 keeps what, in bytes, on a 64-bit machine: in the locals that it hands to every handler, the
 * address of its mount and their own; in the mount, the address of libfuse's handle.
 */
const mountInLocals = 192
const selfInLocals = 232
const handleInMount = 368
/** `struct fuse_context`: handle, uid, gid, pid, private data (which is fuse-native's mount), umask. */
const contextBytes = 40
const pidInContext = 16
const privateDataInContext = 24
const pointerBytes = 8
/**
 * glibc keeps a thread's own values, of which both the locals and the context are one, side by side: 32 entries of
 * 16 bytes, each the use of its key, then the value (`struct pthread_key_data`). The use counts how often the key was
 * made and deleted, so it is odd while there is one, and small. On a stack that had another thread before, pointers to
 * that one's context lie about, and may be good ones again; they lie behind no such number.
 */
const entryBytes = 16
const valueInEntry = 8
const keyUsesMax = 2 ** 16
const neighbourhoodBytes = 32 * entryBytes
/** They lie at the top of the thread's stack; only where that cannot be told from what lies above it all is searched. */
const topBytes = 16 * 1024
const pieceBytes = 4 * 1024 * 1024
const searchedBytesMax = 512 * 1024 * 1024

/** Addresses from a first one to the one behind the last. */
export interface Mapping {
  readonly start: number
  readonly end: number
}

export interface Memory {
  /** Fills the buffer from this address on; false where not all of it can be read. */
  readonly read: (into: Buffer, address: number) => boolean
  readonly writable: () => readonly Mapping[]
}

export class CallingThreads {
  readonly #memory: Memory
  readonly #contexts = new WeakMap<Buffer, number | 'nowhere'>()
  readonly #bytes = Buffer.alloc(contextBytes)

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /** Of this process; undefined where the system does not let one read itself, or has another layout. */
  static open(): CallingThreads | undefined {
    if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
    try {
      return new CallingThreads(ownMemory(openSync('/proc/self/mem', 'r')))
    } catch {
      return undefined
    }
  }

  /** To be called while the handler that got these locals has not answered: then its thread stands still. */
  of(locals: Buffer): ThreadId | undefined {
    let context = this.#contexts.get(locals)
    if (context === undefined) {
      context = this.#find(locals) ?? 'nowhere'
      this.#contexts.set(locals, context)
    }
    if (context === 'nowhere' || !this.#holdsContext(context, locals)) return undefined
    const pid = this.#bytes.readInt32LE(pidInContext)
    // A caller in another namespace of process numbers has none here.
    return pid > 0 ? pid : undefined
  }

  #find(locals: Buffer): number | undefined {
    if (locals.length < selfInLocals + pointerBytes) return undefined
    const mappings = this.#memory.writable()
    const tops = mappings.map(({ start, end }) => ({
      start: Math.max(start, end - topBytes),
      end,
    }))
    return this.#search(locals, tops) ?? this.#search(locals, piecesOf(mappings))
  }

  /** The one context that lies beside the locals among a thread's own values; undefined where there are several. */
  #search(locals: Buffer, places: readonly Mapping[]): number | undefined {
    const self = locals.subarray(selfInLocals, selfInLocals + pointerBytes)
    const found = new Set<number>()
    for (const { start, end } of places) {
      const bytes = Buffer.alloc(end - start)
      if (!this.#memory.read(bytes, start)) continue
      for (let at = bytes.indexOf(self); at >= 0; at = bytes.indexOf(self, at + 1)) {
        for (const address of ownValuesBeside(bytes, at)) {
          if (this.#holdsContext(address, locals) && this.#hasHandle(locals)) found.add(address)
        }
      }
    }
    const [only, ...others] = found
    return others.length === 0 ? only : undefined
  }

  /** Leaves the context's bytes behind. */
  #holdsContext(address: number, locals: Buffer): boolean {
    return (
      this.#memory.read(this.#bytes, address) &&
      addressAt(this.#bytes, privateDataInContext) === addressAt(locals, mountInLocals)
    )
  }

  /** Whether the bytes of a context name the handle that its mount names. */
  #hasHandle(locals: Buffer): boolean {
    const handle = Buffer.alloc(pointerBytes)
    return (
      this.#memory.read(handle, addressAt(locals, mountInLocals) + handleInMount) &&
      addressAt(handle, 0) === addressAt(this.#bytes, 0)
    )
  }
}

function ownMemory(file: number): Memory {
  const read = (into: Buffer, address: number): boolean => {
    try {
      return readSync(file, into, 0, into.length, address) === into.length
    } catch {
      return false
    }
  }
  return { read, writable: writableMappings }
}

/** User space ends below 2^47, so an address is an exact number. */
function addressAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

/** The pointers among a thread's own values, where the one at `at` may be one of them. */
function* ownValuesBeside(bytes: Buffer, at: number): Generator<number> {
  if (!isOwnValue(bytes, at)) return
  const from = Math.max(at % entryBytes, at - neighbourhoodBytes)
  for (let beside = from; beside <= at + neighbourhoodBytes; beside += entryBytes) {
    if (isOwnValue(bytes, beside)) yield addressAt(bytes, beside)
  }
}

function isOwnValue(bytes: Buffer, at: number): boolean {
  if (at < valueInEntry || at + pointerBytes > bytes.length) return false
  const uses = addressAt(bytes, at - valueInEntry)
  return uses % 2 === 1 && uses < keyUsesMax
}

function writableMappings(): Mapping[] {
  const lines = readFileSync('/proc/self/maps', 'latin1').split('\n')
  return lines.flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
    if (match === null) return []
    return [{ start: parseInt(match[1] ?? '', 16), end: parseInt(match[2] ?? '', 16) }]
  })
}

/** Overlapping, so that a neighbourhood is whole in one of them. */
function piecesOf(mappings: readonly Mapping[]): Mapping[] {
  const pieces: Mapping[] = []
  let total = 0
  for (const { start, end } of mappings) {
    for (let at = start; at < end && total < searchedBytesMax; at += pieceBytes) {
      const from = Math.max(start, at - 2 * neighbourhoodBytes)
      pieces.push({ start: from, end: Math.min(end, at + pieceBytes) })
      total += pieceBytes
    }
  }
  return pieces
}
