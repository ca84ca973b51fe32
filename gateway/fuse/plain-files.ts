/** Knows ordinary files below a folder: each call is the same call on the file beneath. Nothing here is fenced. */
import { constants, type Stats } from 'node:fs'
import {
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  truncate,
  unlink,
  utimes,
  type FileHandle,
} from 'node:fs/promises'
import { CallError } from './errno.js'
import type { Attributes } from './operations.js'

const permissionBits = 0o7777
const openFlags =
  constants.O_WRONLY |
  constants.O_RDWR |
  constants.O_TRUNC |
  constants.O_APPEND |
  constants.O_EXCL

export async function plainAttributes(place: string): Promise<Attributes> {
  return attributesOf(await lstat(place))
}

export async function plainNames(place: string): Promise<string[]> {
  const entries = await readdir(place, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map(({ name }) => name)
}

export class PlainFile {
  readonly #file: FileHandle

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(place: string, flags: number): Promise<PlainFile> {
    // The kernel tells where an appending write goes; writing twice to the end would move it.
    const wanted = (flags & openFlags & ~constants.O_APPEND) | constants.O_NOFOLLOW
    return new PlainFile(await open(place, wanted))
  }

  static async create(place: string, mode: number): Promise<PlainFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    return new PlainFile(await open(place, flags, mode & permissionBits))
  }

  async attributes(): Promise<Attributes> {
    return attributesOf(await this.#file.stat())
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, offset + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  }

  async write(bytes: Buffer, offset: number): Promise<void> {
    const own = Buffer.from(bytes)
    for (let done = 0; done < own.length;) {
      const { bytesWritten } = await this.#file.write(
        own,
        done,
        own.length - done,
        offset + done,
      )
      done += bytesWritten
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#file.truncate(size)
  }

  async sync(): Promise<void> {
    await this.#file.sync()
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The changes of paths, which the system does whole or not at all. */
export const plainChanges = {
  truncate: (place: string, size: number): Promise<void> => truncate(place, size),
  remove: (place: string): Promise<void> => unlink(place),
  rename: (from: string, to: string): Promise<void> => rename(from, to),
  link: (from: string, to: string): Promise<void> => link(from, to),
  makeFolder: async (place: string, mode: number): Promise<void> => {
    await mkdir(place, { mode: mode & permissionBits })
  },
  removeFolder: (place: string): Promise<void> => rmdir(place),
  changeMode: (place: string, mode: number): Promise<void> =>
    chmod(place, mode & permissionBits & 0o777),
  changeTimes: (place: string, modifiedMs: number): Promise<void> =>
    utimes(place, new Date(), new Date(modifiedMs)),
  syncFolder: async (place: string): Promise<void> => {
    const folder = await open(place, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
} as const

function attributesOf(stats: Stats): Attributes {
  if (!stats.isFile() && !stats.isDirectory()) throw new CallError('ENOENT')
  return {
    kind: stats.isDirectory() ? 'folder' : 'file',
    mode: stats.mode & 0o777,
    size: stats.size,
    modifiedMs: stats.mtimeMs,
  }
}
