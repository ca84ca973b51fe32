/** Knows how a body becomes a durable file: hashed as it comes, written in large pieces, gone if anything fails. */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { fstatSync } from 'node:fs'
import { BackendError, type OutsideWriter, type Staged } from '../../fencing/ports.js'
import { abortable } from '../abortable.js'
import { identityOf, openNew, type Descriptor, type Disk } from './disk.js'
import { faultOf, unless } from './faults.js'
import type { FolderSync } from './folder-sync.js'

/** Written at once; another as much may wait meanwhile. */
const pieceBytes = 512 * 1024

export interface Receiving {
  readonly path: string
  readonly mode: number
  readonly body: AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
  /** Hears of each part before it is written, and may throw. */
  readonly more?: (bytes: number) => void
}

interface NewFile {
  readonly path: string
  readonly mode: number
}

export interface Means {
  readonly disk: Disk
  readonly sync: FolderSync
}

/** Throws what the body or the signal threw as it is, and faults of the disk as BackendErrors. */
export async function receive(
  means: Means,
  { body, signal, more, ...where }: Receiving,
): Promise<Staged> {
  signal?.throwIfAborted()
  const what = `receiving "${where.path}"`
  return intoNewFile(means, where, async (file) => {
    const writer = new PieceWriter(means.disk, file)
    try {
      const hash = createHash('sha256')
      let size = 0
      for await (const chunk of abortable(body, signal)) {
        more?.(chunk.byteLength)
        hash.update(chunk)
        size += chunk.byteLength
        await faulty(what, writer.add(chunk))
      }
      await faulty(what, writer.end())
      return { size, sha256: hash.digest('hex') }
    } finally {
      await writer.idle()
    }
  })
}

/** The same of bytes that another process writes into the file. What it says of them is believed, but for their number. */
export async function receiveOutside(
  means: Means,
  { more, ...where }: NewFile & Pick<Receiving, 'more'>,
  write: OutsideWriter,
): Promise<Staged> {
  const { path } = where
  return intoNewFile(means, where, async (file) => {
    let size = 0
    const identity = identityOf(fstatSync(file))
    const sha256 = await write({ path, identity }, (bytes) => {
      more?.(bytes)
      size += bytes
    })
    const written = fstatSync(file).size
    if (written === size) return { size, sha256 }
    const what = `"${path}" has ${written} bytes of ${size} that were written`
    throw new BackendError('unavailable', what)
  })
}

/** What the file was filled with is durable then; the file is gone if anything fails. */
async function intoNewFile(
  { disk, sync }: Means,
  { path, mode }: NewFile,
  fill: (file: Descriptor) => Promise<Staged>,
): Promise<Staged> {
  const what = `receiving "${path}"`
  const file = await faulty(what, disk.open(path, openNew, mode))
  let isSynced = false
  try {
    const staged = await fill(file)
    // Whoever relies on the bytes relies on their name too. Both at once cost a file system with a log one commit.
    await faulty(what, Promise.all([disk.sync(file), sync.sync(dirname(path))]))
    isSynced = true
    disk.letGo(file)
    return staged
  } catch (error) {
    if (!isSynced) await disk.close(file).catch(() => undefined)
    await faulty(what, unless(['ENOENT'], undefined, disk.unlink(path)))
    throw error
  }
}

async function faulty<T>(what: string, act: Promise<T>): Promise<T> {
  try {
    return await act
  } catch (error) {
    throw faultOf(error, what)
  }
}

/** Writes one piece while the next comes in. */
export class PieceWriter {
  readonly #disk: Disk
  readonly #file: Descriptor
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(disk: Disk, file: Descriptor) {
    this.#disk = disk
    this.#file = file
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.byteLength
    if (this.#waitingBytes >= pieceBytes) await this.#flush()
  }

  async end(): Promise<void> {
    await this.#flush()
    await this.#writing
  }

  /**
   * Resolves when nothing is being written any more. To be awaited before the file is closed: its number is given to the
   * next file that is opened, and what is still on its way would be written there.
   */
  async idle(): Promise<void> {
    await this.#writing.catch(() => undefined)
  }

  async #flush(): Promise<void> {
    await this.#writing
    const chunks = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#writing = this.#write(chunks)
    // It is awaited before the next piece or at the end; until then nobody listens.
    this.#writing.catch(() => undefined)
  }

  async #write(chunks: Uint8Array[]): Promise<void> {
    let rest = chunks
    while (rest.length > 0) rest = without(await this.#disk.write(this.#file, rest), rest)
  }
}

/** What is left of the chunks after so many bytes of them were written. */
function without(bytes: number, chunks: readonly Uint8Array[]): Uint8Array[] {
  let over = bytes
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (over >= chunk.byteLength) over -= chunk.byteLength
    else {
      rest.push(chunk.subarray(over))
      over = 0
    }
  }
  return rest
}
