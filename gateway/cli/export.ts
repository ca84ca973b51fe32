/** Copies the bytes of an item out of the gateway: into a new file, or to stdout. */
import { open, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { codeOf, messageOf } from '../program/fault.js'
import { CommandError, exitCodes } from './exit-code.js'

/** Nothing is left of a file that could not be written whole, and nothing that stands there is replaced. */
export async function exportItem(
  bytes: Readable,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  if (file === '-') {
    if (process.stdout.isTTY) {
      bytes.destroy()
      throw new CommandError(exitCodes.usage, 'the bytes are not for a terminal; give a file')
    }
    await pipeline(bytes, process.stdout, { end: false, signal }).catch((error: unknown) => {
      if (codeOf(error) !== 'EPIPE') throw failureOf('stdout', error, signal)
    })
    return
  }
  let isOurs = false
  try {
    const handle = await open(file, 'wx', 0o600)
    isOurs = true
    await pipeline(bytes, handle.createWriteStream({ flush: true }), { signal })
  } catch (error) {
    bytes.destroy()
    if (isOurs) await rm(file, { force: true })
    throw failureOf(`"${file}"`, error, signal)
  }
}

function failureOf(place: string, error: unknown, signal: AbortSignal): CommandError {
  const why = signal.aborted
    ? 'interrupted'
    : codeOf(error) === 'EEXIST'
      ? 'it is there already'
      : messageOf(error)
  return new CommandError(exitCodes.no, `${place} cannot be written: ${why}`, { cause: error })
}
