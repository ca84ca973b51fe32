/** Decides whether the folder of the repositories can be served: what it must be before anything is made in it. */
import { constants } from 'node:fs'
import { access, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { codeOf, messageOf } from './fault.js'
import { StartError } from './start-error.js'
import { isOnReadOnlyVolume } from './state/file-system.js'

/** The folder's real path; made, where only its last part is missing. Throws a StartError. */
export async function createdFolder(path: string): Promise<string> {
  const folder = resolve(path)
  if (await isMissing(folder)) await make(folder)
  return existingFolder(path)
}

/**
 * A state that was begun anew in a mistyped folder, or on the bare folder of a disk that is not mounted, would know of no
 * view and of no prune.
 */
export async function refuseMissingState(path: string): Promise<void> {
  const folder = resolve(path)
  if (!(await isMissing(folder))) return
  throw new StartError(
    `the state folder "${folder}" is not there: mount its disk, say --state, or give --create to begin a new state`,
  )
}

/** The real path of a folder that can be read and, unless its whole volume is read-only, written. Throws a StartError. */
export async function existingFolder(path: string): Promise<string> {
  const folder = resolve(path)
  if (await isMissing(folder)) {
    throw new StartError(
      `"${folder}" is not there: mount its disk, say --path, make it, or start a gateway with --create`,
    )
  }
  if (!(await stat(folder)).isDirectory()) {
    throw new StartError(
      `"${folder}" is a file, not a folder; give the folder of the repositories`,
    )
  }
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    if (codeOf(error) !== 'EROFS' || !(await mayRead(folder))) {
      throw new StartError(
        `no rights to read and write in "${folder}"; run as its owner, or change its owner or mode`,
      )
    }
  }
  return realpath(folder)
}

async function mayRead(folder: string): Promise<boolean> {
  return access(folder, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** What an operator is told of each of these folders whose volume is read-only. */
export async function readOnlyWarnings(...folders: readonly string[]): Promise<string[]> {
  const warnings: string[] = []
  for (const folder of new Set(folders)) {
    if (await isOnReadOnlyVolume(folder)) warnings.push(readOnlyWarning(folder))
  }
  return warnings
}

export function readOnlyWarning(folder: string, code: 'EROFS' | 'EIO' = 'EROFS'): string {
  const what = code === 'EROFS' ? 'is on a read-only volume' : 'cannot be written'
  return (
    `"${folder}" ${what} (${code}): reads are served, and every write is refused. Look into the log of the ` +
    `kernel, since a disk that fails is often made read-only; mount it writable, and start the gateway again`
  )
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    if (codeOf(error) === 'ENOTDIR')
      throw new StartError(`a part of the path "${path}" is a file, not a folder`)
    throw new StartError(`"${path}" cannot be looked at: ${messageOf(error)}`)
  }
}

async function make(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw new StartError(
        `"${folder}" is not there, and neither is "${dirname(folder)}"; make it first (mkdir -p)`,
      )
    }
    throw new StartError(`the folder "${folder}" cannot be made: ${messageOf(error)}`)
  }
}
