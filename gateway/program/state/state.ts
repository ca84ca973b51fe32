/** Opens the gateway's own folder: what lies in it, and that one process at a time has it. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { reserveIn } from '../../../backends/reserve.js'
import { damaged } from '../../../backends/sqlite/faults.js'
import { openSqliteJournal } from '../../../backends/sqlite/sqlite-journal.js'
import { BackendError, type JournalStore } from '../../../fencing/ports.js'
import { errnoOf, guarded } from './faults.js'
import { readOnlyWarning } from '../served-folder.js'
import { isOnReadOnlyVolume, refuseNetworkFileSystem } from './file-system.js'
import { GatewayLock } from './gateway-lock.js'
import { adminSocketIn } from './places.js'
import { refusingJournal } from './refusing-journal.js'

export interface StateOptions {
  /** The state folder itself; it is made where it is missing, and the folder above it must stand. */
  readonly folder: string
  /** The folder of the repositories: nobody else may serve it, with whatever state. */
  readonly root?: string
  /** What the holder runs, as others are told: `serve`, `quarantine release` … */
  readonly command: string
}

export interface OpenedJournal {
  readonly journal: JournalStore
  /**
   * Set where the journal is damaged, lost, of a newer version, or cannot be opened for another reason. The gateway starts all the same: every call of the
   * journal fails with it, so reads are served and writes refused. Its message says how to recover.
   */
  readonly fault?: BackendError
}

/** The state, held by this process until it is closed. `backends/local` keeps `staging/` and `quarantine/` in it too. */
export interface State {
  readonly folder: string
  readonly journalFile: string
  readonly adminSocket: string
  /** Its volume is read-only: nobody holds it, nothing can be made in it, and its journal refuses every call. */
  readonly isReadOnly: boolean
  /** Tells whoever is refused where this gateway listens. */
  readonly announce: (listening: readonly string[]) => Promise<void>
  /** To be called once. Throws only `locked`. */
  readonly openJournal: () => Promise<OpenedJournal>
  /** Lets others have the state. The journal is to be closed before. */
  readonly close: () => Promise<void>
}

/**
 * Throws StateHeldError (code `locked`) while another process has the state, `not-allowed` for a folder without rights
 * or on a network file system, `not-found` where the folder above is missing.
 */
export async function openState(options: StateOptions): Promise<State> {
  const { folder } = options
  if (await isOnReadOnlyVolume(folder)) return readOnlyState(folder, 'EROFS')
  try {
    return await takeState(options)
  } catch (error) {
    const native = error instanceof BackendError ? errnoOf(error.cause) : undefined
    // A disk that the kernel has given up says so only when it is written to.
    if (native === 'EROFS' || native === 'EIO') return readOnlyState(folder, native)
    throw error
  }
}

async function takeState({ folder, root, command }: StateOptions): Promise<State> {
  const lock = await guarded(folder, async () => {
    await makeFolder(folder)
    await refuseNetworkFileSystem(folder)
    return GatewayLock.take(folder, command, root)
  })
  const journalFile = journalIn(folder)
  const adminSocket = adminSocketIn(folder)
  // Left by a holder that was killed; nobody can be listening on it, since nobody else has the state.
  await rm(adminSocket, { force: true })
  return {
    folder,
    journalFile,
    adminSocket,
    isReadOnly: false,
    announce: (listening) => guarded(folder, () => lock.announce(listening)),
    openJournal: () => openJournal(folder, journalFile),
    close: () => guarded(folder, () => lock.release()),
  }
}

const journalIn = (folder: string): string => join(folder, 'journal.sqlite')

/** Reads need no state. */
function readOnlyState(folder: string, code: 'EROFS' | 'EIO'): State {
  const cause = Object.assign(new Error('the state cannot be written'), { code })
  const fault = new BackendError('not-allowed', readOnlyWarning(folder, code), { cause })
  const nothing = async (): Promise<void> => undefined
  return {
    folder,
    journalFile: journalIn(folder),
    adminSocket: adminSocketIn(folder),
    isReadOnly: true,
    announce: nothing,
    openJournal: async () => ({ journal: refusingJournal(fault), fault }),
    close: nothing,
  }
}

async function openJournal(folder: string, file: string): Promise<OpenedJournal> {
  try {
    refuseLost(folder, file)
    const journal = await openSqliteJournal({ file, reserve: reserveIn(folder) })
    // On a full disk the next start makes it.
    await noteMade(folder).catch(() => undefined)
    return { journal }
  } catch (error) {
    if (!(error instanceof BackendError) || error.code === 'locked') throw error
    return { journal: refusingJournal(error), fault: error }
  }
}

/**
 * A journal that is gone would be begun anew without a word, and would know of no prune and no view before: a run that
 * slept meanwhile could be taken for a fresh one. So a note beside it, which moves out of the way together with it
 * (`journal.*`), says that there was one.
 */
const madeNote = 'journal.made'

function refuseLost(folder: string, file: string): void {
  if (existsSync(file) || !existsSync(join(folder, madeNote))) return
  throw damaged(file, 'it is gone')
}

async function noteMade(folder: string): Promise<void> {
  const file = join(folder, madeNote)
  if (existsSync(file)) return
  await writeFile(file, '', { mode: 0o600 })
  await syncFolder(folder)
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
    await syncFolder(dirname(folder))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    const found = await stat(folder)
    const othersMay = (found.mode & 0o077) !== 0
    if (othersMay && found.uid === process.getuid?.()) await chmod(folder, 0o700)
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
