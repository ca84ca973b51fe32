/** Decides which calls of the file system the store makes, and that none of them follows a link. Tests put another in its place. */
import {
  close,
  closeSync,
  constants,
  fstatSync,
  fsync,
  lstat,
  open,
  read,
  writev,
  type Dirent,
  type Stats,
  type StatsFs,
} from 'node:fs'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { openedPath, OpenFolders } from './open-folders.js'

/** An open file or folder: the kernel's number for it, to be closed once, by whoever opened it. */
export type Descriptor = number

/** A path that is reached over a link is ELOOP, wherever the link stands and whenever it came. */
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
  /** Of an empty folder. */
  readonly removeFolder: (path: string) => Promise<void>
  /** Copies a regular file to a name that is not taken, with its times. */
  readonly copy: (from: string, to: string) => Promise<void>
  readonly setModified: (path: string, modifiedMs: number) => Promise<void>
  /** Does not follow a link. */
  readonly stat: (path: string) => Promise<Stats>
  readonly names: (folder: string) => Promise<string[]>
  readonly entries: (folder: string) => Promise<Dirent[]>
  /** Of the file system that the folder lies on. */
  readonly space: (folder: string) => Promise<StatsFs>
  /** The path without any link in it. */
  readonly realPath: (path: string) => Promise<string>
}

const folders = new OpenFolders()
const openFile = promisify<string, number, number | undefined, Descriptor>(open)
// The one of node:fs/promises leaves behind a buffer outside of the heap for each call, of which 10,000 add up.
const look = promisify<string, Stats>(lstat)

export const localDisk: Disk = {
  open: (path, flags, mode) =>
    folders.beneath(path, (reached) => openFile(reached, flags, mode)),
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
  link: (from, to) => fromTo(from, to, fs.link),
  rename: (from, to) => fromTo(from, to, fs.rename),
  unlink: (path) => folders.beneath(path, fs.unlink),
  makeFolder: (path, mode) => folders.beneath(path, (reached) => fs.mkdir(reached, mode)),
  removeFolder: (path) => folders.beneath(path, fs.rmdir),
  copy: async (from, to) => {
    const source = await localDisk.open(from, openToRead)
    try {
      const found = fstatSync(source)
      if (!found.isFile())
        throw Object.assign(new Error(`"${from}" is no file`), { code: 'EISDIR' })
      await folders.beneath(to, async (target) => {
        await fs.copyFile(openedPath(source, from), target, COPYFILE_EXCL)
        await fs.lutimes(target, found.atime, found.mtime)
      })
    } finally {
      closeSync(source)
    }
  },
  setModified: (path, modifiedMs) =>
    folders.beneath(path, (reached) => fs.lutimes(reached, new Date(), new Date(modifiedMs))),
  stat: (path) => folders.beneath(path, look),
  names: (folder) => folders.within(folder, (reached) => fs.readdir(reached)),
  entries: (folder) =>
    folders.within(folder, (reached) => fs.readdir(reached, { withFileTypes: true })),
  space: (folder) => fs.statfs(folder),
  realPath: (path) => fs.realpath(path),
}

function fromTo(
  from: string,
  to: string,
  act: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const isFresh = true
  return folders.beneath(from, (source) => {
    return folders.beneath(to, (target) => act(source, target), isFresh)
  })
}

const { COPYFILE_EXCL, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/** Without O_NONBLOCK, opening a pipe that somebody put in an object's place would wait for ever. */
export const openToRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
export { openFolder } from './open-folders.js'
export const openNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW

/** Of a file that is open, or whose name is not changed: no other has it on this machine. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev}-${ino}`
}
