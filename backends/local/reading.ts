/** Knows how a file is opened and read: only a regular file, and never through a link. */
import { createHash } from 'node:crypto'
import { fstatSync } from 'node:fs'
import { Readable } from 'node:stream'
import {
  BackendError,
  type ByteRange,
  type OpenObject,
  type Staged,
} from '../../fencing/ports.js'
import { openToRead, type Disk } from './disk.js'
import { faultOf, guarded, unless } from './faults.js'
import { linked } from './open-folders.js'
import { SharedFile, type OpenFiles } from './open-files.js'

const pieceBytes = 256 * 1024

/** Undefined where there is no file. With `files`, one that was opened a moment ago is read again. */
export async function openFile(
  disk: Disk,
  path: string,
  files?: OpenFiles,
): Promise<OpenObject | undefined> {
  const known = files?.find(path)
  const file = known ?? (await openRegular(disk, path))
  if (file === undefined) return undefined
  if (known === undefined) files?.keep(path, file)
  const { size, modifiedMs, identity } = file
  return {
    size,
    modifiedMs,
    place: { path, identity },
    read: (range) => new FileBytes(file, path, range ?? { start: 0, end: size - 1 }),
    readInto: (buffer, position) => {
      return guarded(`reading "${path}"`, () => file.read(buffer, position))
    },
    close: () => file.release(),
  }
}

export async function digestFile(disk: Disk, path: string): Promise<Staged | undefined> {
  const opened = await openRegular(disk, path)
  if (opened === undefined) return undefined
  try {
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(pieceBytes)
    let size = 0
    for (;;) {
      const bytesRead = await opened.read(piece, size)
      if (bytesRead === 0) return { size, sha256: hash.digest('hex') }
      hash.update(piece.subarray(0, bytesRead))
      size += bytesRead
    }
  } finally {
    await opened.release()
  }
}

/** The size of a regular file, or undefined where there is nothing of that name. */
export async function sizeOf(disk: Disk, path: string): Promise<number | undefined> {
  const found = await unless(['ENOENT'], undefined, disk.stat(path))
  if (found === undefined) return undefined
  if (found.isSymbolicLink()) throw linked(path)
  if (!found.isFile()) throw notAnObject(path)
  return found.size
}

async function openRegular(disk: Disk, path: string): Promise<SharedFile | undefined> {
  const file = await unless(['ENOENT'], undefined, disk.open(path, openToRead))
  if (file === undefined) return undefined
  try {
    // Of a file that is open: nothing is looked up, so it is not worth a thread.
    const found = fstatSync(file)
    if (found.isFile()) return new SharedFile(disk, file, found)
  } catch (error) {
    await disk.close(file)
    throw error
  }
  await disk.close(file)
  throw notAnObject(path)
}

function notAnObject(path: string): BackendError {
  return new BackendError('not-allowed', `"${path}" is no regular file`)
}

/** Reads a range of a file and closes it, at the end or when it is destroyed. */
class FileBytes extends Readable {
  readonly #file: SharedFile
  readonly #path: string
  readonly #end: number
  #position: number

  constructor(file: SharedFile, path: string, range: ByteRange) {
    super({ highWaterMark: pieceBytes })
    this.#file = file
    this.#path = path
    this.#position = range.start
    this.#end = range.end
  }

  override _read(): void {
    const bytes = Math.min(pieceBytes, this.#end - this.#position + 1)
    if (bytes <= 0) {
      this.push(null)
      return
    }
    const buffer = Buffer.allocUnsafeSlow(bytes)
    this.#file.read(buffer, this.#position).then(
      (bytesRead) => this.#take(buffer.subarray(0, bytesRead)),
      (error: unknown) => this.destroy(faultOf(error, `reading "${this.#path}"`)),
    )
  }

  #take(bytes: Buffer): void {
    this.#position += bytes.byteLength
    if (bytes.byteLength > 0) this.push(bytes)
    else this.destroy(new BackendError('corrupt', `"${this.#path}" has become shorter`))
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#file.release().then(
      () => done(error),
      (fault: unknown) => done(error ?? faultOf(fault, `closing "${this.#path}"`)),
    )
  }
}
