/** Decides whether a pack may take space on a disk: the last of it is left for everything else, which is small. */
import { BackendError } from '../../fencing/ports.js'
import { boundedByDisk } from '../reserve.js'
import type { Disk } from './disk.js'

/** What others write meanwhile is seen after so long; what comes in here is counted at once. */
const believedMs = 1_000

interface Measured {
  readonly at: number
  readonly floor: number
  free: number
}

export class Room {
  readonly #disk: Pick<Disk, 'space'>
  readonly #floorBytes: number
  readonly #measured = new Map<string, Measured>()

  constructor(disk: Pick<Disk, 'space'>, floorBytes: number) {
    this.#disk = disk
    this.#floorBytes = floorBytes
  }

  /** For bytes that come into a folder: the answer is to be told of each part, and throws `no-space` at the floor. */
  async into(folder: string): Promise<(bytes: number) => void> {
    await this.#measure(folder)
    return (bytes) => {
      const measured = this.#measured.get(folder)
      if (measured === undefined) return
      if (performance.now() - measured.at > believedMs) void this.#measure(folder)
      measured.free -= bytes
      if (measured.free >= measured.floor) return
      throw new BackendError(
        'no-space',
        `less than ${measured.floor} bytes would be left free in "${folder}" (--min-free)`,
      )
    }
  }

  /** Where it cannot be told, the disk itself says when it is full. */
  async #measure(folder: string): Promise<void> {
    if (this.#floorBytes === 0) return
    const known = this.#measured.get(folder)
    // Room that was missing is asked for anew: somebody may have made some.
    const isEnough = known !== undefined && known.free >= known.floor
    if (isEnough && performance.now() - known.at < believedMs) return
    try {
      const { bavail, blocks, bsize } = await this.#disk.space(folder)
      const floor = boundedByDisk(this.#floorBytes, blocks * bsize)
      this.#measured.set(folder, { at: performance.now(), floor, free: bavail * bsize })
    } catch {
      this.#measured.delete(folder)
    }
  }
}
