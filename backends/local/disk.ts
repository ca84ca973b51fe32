/** Knows which calls of the file system the store makes, so that a test can watch them and let them fail. */
import {
  close,
  closeSync,
  constants,
  fsync,
  lstat,
  open,
  read,
  writev,
  type Dirent,
  type Stats,
} from 'node:fs'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'

/** An open file or folder: the kernel's number for it, to be closed once, by whoever opened it. */
export type Descriptor = number

export interface Disk {
  readonly open: (path: string, flags: number, mode?: number) => Promise<Descriptor>
  /** Fills the buffer from this position of the file on, and answers how far. */
  readonly read: (file: Descriptor, buffer: Buffer, position: number) => Promise<number>
  readonly write: (file: Descriptor, chunks: readonly Uint8Array[]) => Promise<number>
  /** Makes a file, or the names in a folder, durable. */
  readonly sync: (file: Descriptor) => Promise<void>
  readonly close: (file: Descriptor) => Promise<void>
  /** Closes what was only read, or is synced. The disk is not waited for, so it is not worth a thread. */
  readonly letGo: (file: Descriptor) => void
  readonly link: (from: string, to: string) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly unlink: (path: string) => Promise<void>
  readonly makeFolder: (path: string, mode: number) => Promise<void>
  /** Does not follow a link. */
  readonly stat: (path: string) => Promise<Stats>
  readonly names: (folder: string) => Promise<string[]>
  readonly entries: (folder: string) => Promise<Dirent[]>
  /** The path without any link in it. */
  readonly realPath: (path: string) => Promise<string>
}

export const localDisk: Disk = {
  open: promisify<string, number, number | undefined, Descriptor>(open),
  read: (file, buffer, position) =>
    new Promise((resolve, reject) => {
      read(file, buffer, 0, buffer.byteLength, position, (error, bytes) => {
        if (error === null) resolve(bytes)
        else reject(error)
      })
    }),
  write: (file, chunks) =>
    new Promise((resolve, reject) => {
      writev(file, chunks, (error, bytes) => {
        if (error === null) resolve(bytes)
        else reject(error)
      })
    }),
  sync: promisify<Descriptor>(fsync),
  close: promisify<Descriptor>(close),
  letGo: closeSync,
  link: fs.link,
  rename: fs.rename,
  unlink: fs.unlink,
  makeFolder: async (path, mode) => {
    await fs.mkdir(path, { mode })
  },
  // The one of node:fs/promises leaves behind a buffer outside of the heap for each call, of which 10,000 add up.
  stat: promisify<string, Stats>(lstat),
  names: (folder) => fs.readdir(folder),
  entries: (folder) => fs.readdir(folder, { withFileTypes: true }),
  realPath: (path) => fs.realpath(path),
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants

/** Without O_NONBLOCK, opening a pipe that somebody put in an object's place would wait for ever. */
export const openToRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
export const openFolder = O_RDONLY | O_NOFOLLOW | O_DIRECTORY
export const openNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW

/** Of a file that is open, or whose name is not changed: no other has it on this machine. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev}-${ino}`
}
