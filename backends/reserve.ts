/**
 * Knows how some space is kept for the day when a disk is full: a file that is cut shorter when there is no room left for
 * what reading, unlocking and pruning have to write, so that they can make room.
 */
import { randomFill } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, statSync } from 'node:fs'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const MIB = 1024 * 1024
/** Given up at once: whatever else fills the disk takes no more than a part of it. */
const parts = 4
const partBytesMin = MIB / 4

const fillRandomly = promisify<Buffer, Buffer>(randomFill)

export const reserveIn = (folder: string): string => join(folder, 'reserve')

/** Of a small disk at most this share is kept, for the reserve and for the floor alike. */
const shareMax = 1 / 20

export function boundedByDisk(bytes: number, diskBytes: number): number {
  return Math.min(bytes, Math.floor(diskBytes * shareMax))
}

/** Gives a part back to the disk; false where nothing is left. Blocks, so that the journal's own thread can call it too. */
export function giveUpPart(reserve: string): boolean {
  try {
    const descriptor = openSync(reserve, 'r+')
    try {
      const { size } = fstatSync(descriptor)
      if (size === 0) return false
      const part = Math.max(partBytesMin, Math.ceil(size / parts))
      ftruncateSync(descriptor, Math.max(0, size - part))
      // Some file systems give blocks away only once it is durable that they are free.
      fsyncSync(descriptor)
      return true
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return false
  }
}

export interface ReservesOptions {
  /** At most so many on each disk. */
  readonly bytesMax: number
  /** Is left free when a reserve is made. */
  readonly floorBytes: number
}

/** One on each disk that the gateway writes to. */
export class Reserves {
  readonly #options: ReservesOptions
  /** The folder that holds a disk's reserve, by the disk's number. */
  readonly #folders = new Map<number, string>()
  readonly #restoring = new Map<string, Promise<void>>()

  constructor(options: ReservesOptions) {
    this.#options = options
  }

  /** To be called of each folder that is the gateway's own; the first one on a disk holds its reserve. */
  async add(folder: string): Promise<void> {
    const { dev } = await stat(folder)
    if (!this.#folders.has(dev)) this.#folders.set(dev, folder)
  }

  /** After a call that found no room: gives a part of its disk's reserve back; false where there is none. */
  giveUpFor(path: string): boolean {
    try {
      const found = statSync(path, { throwIfNoEntry: false }) ?? statSync(dirname(path))
      return this.giveUpOn(found.dev)
    } catch {
      return false
    }
  }

  giveUpOn(device: number): boolean {
    const folder = this.#folders.get(device)
    return folder !== undefined && giveUpPart(reserveIn(folder))
  }

  /**
   * To be called now and then: makes what was given up again where there is room, on each disk for itself. Never throws;
   * resolves when all is done, so not while a disk hangs.
   */
  async restore(): Promise<void> {
    for (const folder of this.#folders.values()) {
      if (this.#restoring.has(folder)) continue
      // The disk fails, or has become full again: there will be a next time.
      const restoring = this.#restoreIn(folder)
        .catch(() => undefined)
        .finally(() => this.#restoring.delete(folder))
      this.#restoring.set(folder, restoring)
    }
    await Promise.all(this.#restoring.values())
  }

  async #restoreIn(folder: string): Promise<void> {
    const { bytesMax, floorBytes } = this.#options
    const reserve = reserveIn(folder)
    if (bytesMax === 0) return rm(reserve, { force: true })
    const { bavail, blocks, bsize } = await statfs(folder)
    const wanted = boundedByDisk(bytesMax, blocks * bsize)
    const { size } = await stat(reserve).catch(() => ({ size: 0 }))
    if (size === wanted) return
    const left = bavail * bsize - (wanted - size)
    if (left < boundedByDisk(floorBytes, blocks * bsize)) return
    const file = await open(reserve, 'a', 0o600)
    try {
      if (size > wanted) await file.truncate(wanted)
      for (let at = size; at < wanted; at += MIB) {
        // A file system that compresses would make nothing of zeros.
        const piece = await fillRandomly(Buffer.allocUnsafe(Math.min(MIB, wanted - at)))
        await file.write(piece)
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }
}
