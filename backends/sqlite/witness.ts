/**
 * Knows how many records the journal has had, in a file of its own beside it: what the journal itself could forget.
 *
 * A journal is whole if it holds every record that was ever told durable, however it was closed. SQLite cannot say so of
 * itself: a log that is gone, or cut off, or an older copy of the file look like a journal that ends there. So the count
 * is written down a second time, once the records are durable: it lags behind where it could not be written (a full or
 * failing disk, a loss of power), which makes the check weaker, and never runs ahead, which would make it wrong.
 */
import { createHash } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A second's records would be missed by nothing else, and a sync a second is not felt. */
const syncEveryMs = 1_000
/** Always as long, so that writing it takes no space once it is made. */
const lineBytes = 128

export const witnessOf = (file: string): string => `${file}-newest`

/** Undefined where there is none, or only half of one. */
export function recordsIn(witness: string): number | undefined {
  let text: string
  try {
    text = readFileSync(witness, 'latin1')
  } catch {
    return undefined
  }
  const [, count = '', digest] = /^records (\d{1,16}) ([0-9a-f]{64})\b/.exec(text) ?? []
  return digest === digestOf(count) ? Number(count) : undefined
}

export class Witness {
  readonly #descriptor: number
  #syncing: NodeJS.Timeout | undefined

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** Makes it where there is none; it is durable then. Throws the operating system's errors. */
  static open(witness: string, records: number): Witness {
    const isNew = recordsIn(witness) === undefined
    const descriptor = openSync(witness, isNew ? 'w' : 'r+', 0o600)
    try {
      const opened = new Witness(descriptor)
      opened.#write(records)
      if (isNew) {
        fsyncSync(descriptor)
        syncFolder(dirname(witness))
      }
      return opened
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  /** To be called with the count once so many records are durable. Never throws. */
  note(records: number): void {
    try {
      this.#write(records)
      this.#syncing ??= setTimeout(() => this.#sync(), syncEveryMs).unref()
    } catch {
      // It lags behind.
    }
  }

  close(): void {
    clearTimeout(this.#syncing)
    this.#sync()
    closeSync(this.#descriptor)
  }

  #write(records: number): void {
    const count = String(records)
    const line = `records ${count} ${digestOf(count)}`.padEnd(lineBytes - 1)
    writeSync(this.#descriptor, `${line}\n`, 0, 'latin1')
  }

  #sync(): void {
    this.#syncing = undefined
    try {
      fdatasyncSync(this.#descriptor)
    } catch {
      // It may lag behind after a loss of power.
    }
  }
}

function digestOf(count: string): string {
  return createHash('sha256').update(count).digest('hex')
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
