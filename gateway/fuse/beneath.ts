/** Knows what lies in the folder beneath a mount. Nothing may: whoever wrote it there counts on it, and no repository has it. */
import { constants } from 'node:fs'
import { open, readdir, type FileHandle } from 'node:fs/promises'
import { MountError } from './mount-error.js'
import { mountsAt } from './mount-table.js'

const namesMax = 5

/** The folder itself, kept open, so that it can be looked at also when something is mounted on it. */
export class Beneath {
  readonly #folder: string
  readonly #handle: FileHandle

  private constructor(folder: string, handle: FileHandle) {
    this.#folder = folder
    this.#handle = handle
  }

  /** Undefined where something is mounted on the folder. */
  static async of(folder: string): Promise<Beneath | undefined> {
    if ((await mountsAt(folder)).length > 0) return undefined
    try {
      return new Beneath(folder, await open(folder, constants.O_RDONLY | constants.O_DIRECTORY))
    } catch (error) {
      const advice = `"${folder}" is not a folder that can be read; make it first (mkdir)`
      throw new MountError(advice, { cause: error })
    }
  }

  /** Throws a MountError that names what lies there. */
  async expectEmpty(): Promise<void> {
    const names = await readdir(`/proc/self/fd/${this.#handle.fd}`)
    if (names.length === 0) return
    const more = names.length > namesMax ? ' …' : ''
    throw new MountError(
      `"${this.#folder}" is not empty (${names.slice(0, namesMax).join(', ')}${more}); mount on an empty folder. ` +
        'What a program wrote there while nothing was mounted is in no repository: move it away, and let the program run again',
    )
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
