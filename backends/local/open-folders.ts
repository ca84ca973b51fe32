/**
 * Decides that no link in a path is followed, whatever another process puts there meanwhile: a folder is opened, its
 * real path is asked of the kernel, and names in it are reached through the open folder. Between a look at a path and an
 * act on it anything can change; an open folder stays the same.
 */
import { closeSync, constants, existsSync, open, openSync, readlinkSync } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY } = constants
export const openFolder = O_RDONLY | O_NOFOLLOW | O_DIRECTORY

/** The kernel's names of what this process has open. */
const descriptors = '/proc/self/fd'
const hasDescriptors = existsSync(descriptors)
/** Requests come in swarms. What is mounted over a folder is seen after so long by all but those who add a name to it. */
const keptMs = 1_000
const keptMax = 512

interface OpenFolder {
  readonly descriptor: number
  readonly openedAt: number
  /** Its number is given to the next file that is opened, so it is closed once nobody uses it. */
  users: number
  isKept: boolean
}

interface Opening {
  readonly opened: Promise<OpenFolder>
  users: number
}

const openPath = promisify<string, number, number>(open)

export class OpenFolders {
  readonly #folders = new Map<string, OpenFolder>()
  readonly #opening = new Map<string, Opening>()
  #sweeping: NodeJS.Timeout | undefined

  /** Calls back with a path that leads to the folder and over no link. A fresh one was opened for this call. */
  async within<T>(
    folder: string,
    act: (reached: string) => Promise<T>,
    isFresh = false,
  ): Promise<T> {
    if (!hasDescriptors) return act(await withoutLinks(folder))
    const opened = await this.#use(folder, isFresh)
    try {
      return await act(pathOf(opened.descriptor))
    } finally {
      opened.users -= 1
      closeIfUnused(opened)
    }
  }

  /** The same for a name in a folder; a link of that name is for the act not to follow. */
  async beneath<T>(
    path: string,
    act: (reached: string) => Promise<T>,
    isFresh = false,
  ): Promise<T> {
    const folder = dirname(path)
    if (folder === path) return act(path)
    return this.within(folder, (reached) => act(`${reached}/${basename(path)}`), isFresh)
  }

  /** Counts its user before anybody else may let go of the folder. */
  #use(folder: string, isFresh: boolean): Promise<OpenFolder> {
    const known = this.#folders.get(folder)
    if (known !== undefined) {
      if (!isFresh && !isOver(known) && realPathOf(known) === folder) {
        known.users += 1
        return Promise.resolve(known)
      }
      this.#letGo(folder, known)
    }
    const opening = this.#opening.get(folder)
    if (opening === undefined) return this.#openAnew(folder)
    opening.users += 1
    return opening.opened
  }

  #openAnew(folder: string): Promise<OpenFolder> {
    const end = (): void => {
      this.#opening.delete(folder)
    }
    const opened = openReal(folder).then((one) => {
      end()
      one.users = opening.users
      this.#keep(folder, one)
      return one
    })
    opened.catch(() => {
      end()
      this.#doubt(folder)
    })
    const opening = { opened, users: 1 }
    this.#opening.set(folder, opening)
    return opened
  }

  #keep(folder: string, opened: OpenFolder): void {
    const [oldest] = this.#folders
    if (oldest !== undefined && this.#folders.size >= keptMax) this.#letGo(...oldest)
    this.#folders.set(folder, opened)
    this.#sweeping ??= setTimeout(() => this.#sweep(), keptMs).unref()
  }

  /** A folder that is gone, or reached otherwise than before, may have gone with those that it lies in. */
  #doubt(folder: string): void {
    for (const [path, opened] of this.#folders) {
      if (folder.startsWith(`${path}/`)) this.#letGo(path, opened)
    }
  }

  #letGo(folder: string, opened: OpenFolder): void {
    this.#folders.delete(folder)
    opened.isKept = false
    closeIfUnused(opened)
  }

  #sweep(): void {
    this.#sweeping = undefined
    for (const [folder, opened] of this.#folders)
      if (isOver(opened)) this.#letGo(folder, opened)
    if (this.#folders.size > 0) {
      this.#sweeping = setTimeout(() => this.#sweep(), keptMs).unref()
    }
  }
}

/** A path may lead elsewhere than it says by a link in any part of it; what was opened knows where it lies. */
async function openReal(folder: string): Promise<OpenFolder> {
  const descriptor = await openPath(folder, openFolder).catch(async (error: unknown) => {
    // Of a link that is to be a folder, too, the kernel says that it is none.
    throw (await isLink(folder)) ? linked(folder) : error
  })
  const opened = { descriptor, openedAt: performance.now(), users: 0, isKept: true }
  if (realPathOf(opened) === folder) return opened
  closeSync(descriptor)
  throw linked(folder)
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  )
}

/** Without /proc there is no such thing as an open folder to act in: a link is seen if it stands at this moment. */
async function withoutLinks(folder: string): Promise<string> {
  if ((await realpath(folder)) !== folder) throw linked(folder)
  return folder
}

/** As `within`, for a thread that may block. */
export function withinSync(folder: string, act: (reached: string) => void): void {
  openedSync(folder, (reached) => {
    if (hasDescriptors && readlinkSync(reached) !== folder) throw linked(folder)
    act(reached)
  })
}

/** Whatever the folder's path leads over but for its last part, which is no link. */
export function openedSync(folder: string, act: (reached: string) => void): void {
  const descriptor = openSync(folder, openFolder)
  try {
    act(openedPath(descriptor, folder))
  } finally {
    closeSync(descriptor)
  }
}

function realPathOf({ descriptor }: OpenFolder): string {
  return readlinkSync(pathOf(descriptor))
}

function pathOf(descriptor: number): string {
  return `${descriptors}/${descriptor}`
}

/** A path to what is open, whatever has its name now. */
export function openedPath(descriptor: number, path: string): string {
  return hasDescriptors ? pathOf(descriptor) : path
}

function isOver({ openedAt }: OpenFolder): boolean {
  return performance.now() - openedAt > keptMs
}

function closeIfUnused({ descriptor, users, isKept }: OpenFolder): void {
  if (users === 0 && !isKept) closeSync(descriptor)
}

export function linked(folder: string): Error {
  return Object.assign(new Error(`"${folder}" is reached through a link`), { code: 'ELOOP' })
}
