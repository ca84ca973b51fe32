/**
 * Knows that one process at a time has the state, and who.
 *
 * The lock is the one that SQLite takes on a file for a transaction that is never ended: a record lock of the kernel's,
 * which goes with its process however that ends, stays while the process is merely stopped, and holds between
 * containers that share the folder. A file that says "taken" would outlive a kill; a process id means nothing in
 * another container; a socket has to be removed before it can be bound again, and two may do that at once; and
 * flock(2) cannot be called from Node. The file stays empty and is never removed, since whoever removed it would
 * leave two processes with a lock on two files.
 */
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import SqliteDatabase, { type Database } from 'better-sqlite3'
import { z } from 'zod'
import { BackendError } from '../../../fencing/ports.js'
import { errnoOf } from './faults.js'
import { stateFolderOf } from './places.js'

const holderSchema = z.object({
  pid: z.number(),
  host: z.string(),
  /** What it runs: `serve`, `quarantine release` … */
  command: z.string(),
  since: z.iso.datetime(),
  listening: z.array(z.string()),
})
export type Holder = Readonly<z.infer<typeof holderSchema>>

/** Another process has the state; `holder` is undefined where it has not said (yet) who it is. */
export class StateHeldError extends BackendError {
  readonly holder: Holder | undefined

  constructor(what: string, holder: Holder | undefined) {
    super('locked', `${what} is in use by ${describeHolder(holder)}`)
    this.holder = holder
  }
}

export class GatewayLock {
  readonly #database: Database
  readonly #noteFile: string
  #holder: Holder
  /** On the folder of the repositories, where the state is not in it. */
  #served: GatewayLock | undefined

  private constructor(database: Database, noteFile: string, holder: Holder) {
    this.#database = database
    this.#noteFile = noteFile
    this.#holder = holder
  }

  /**
   * Of a state, and of the folder of the repositories that it is for: two gateways with states of their own would each
   * fence by half of what happens. The folder's own lock is that of the state that usually lies in it.
   */
  static async take(folder: string, command: string, root?: string): Promise<GatewayLock> {
    const lock = await GatewayLock.#take(folder, command, `the state folder "${folder}"`)
    const usual = root === undefined ? folder : stateFolderOf(root)
    if (root === undefined || usual === folder) return lock
    try {
      await mkdir(usual, { mode: 0o700, recursive: true })
      const what = `the folder "${root}"`
      lock.#served = await GatewayLock.#take(usual, command, what)
    } catch (error) {
      // Where no lock can be made, no gateway can write either.
      if (!cannotWrite.has(errnoOf(error) ?? '')) {
        await lock.release()
        throw error
      }
    }
    return lock
  }

  static async #take(folder: string, command: string, what: string): Promise<GatewayLock> {
    const noteFile = join(folder, 'gateway.json')
    const database = lockOrNothing(join(folder, 'gateway.lock'))
    if (database === undefined) throw new StateHeldError(what, await readHolder(noteFile))
    const since = new Date().toISOString()
    const holder = { pid: process.pid, host: hostname(), command, since, listening: [] }
    const lock = new GatewayLock(database, noteFile, holder)
    try {
      await lock.announce([])
    } catch (error) {
      database.close()
      throw error
    }
    return lock
  }

  /** Tells whoever is refused where this gateway listens; on a full disk they are told less. */
  async announce(listening: readonly string[]): Promise<void> {
    this.#holder = { ...this.#holder, listening: [...listening] }
    const unfinished = `${this.#noteFile}.new`
    try {
      await writeFile(unfinished, `${JSON.stringify(this.#holder)}\n`, { mode: 0o600 })
      await rename(unfinished, this.#noteFile)
    } catch (error) {
      if (!fullDisk.has(errnoOf(error) ?? '')) throw error
      // What stands there names an earlier holder.
      for (const file of [unfinished, this.#noteFile]) await rm(file, { force: true })
    }
    await this.#served?.announce(listening)
  }

  async release(): Promise<void> {
    await this.#served?.release()
    try {
      await rm(this.#noteFile, { force: true })
    } finally {
      this.#database.close()
    }
  }
}

const fullDisk: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** A read-only disk, a folder without rights, and a network file system without locks. */
const cannotWrite: ReadonlySet<string> = new Set([
  ...['EROFS', 'EACCES', 'EPERM'],
  ...['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_IOERR_LOCK'],
])

function lockOrNothing(file: string): Database | undefined {
  makeOnce(file)
  const database = new SqliteDatabase(file, { timeout: 0 })
  try {
    // Else SQLite makes a file beside it, which a kill leaves behind.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (errnoOf(error)?.startsWith('SQLITE_BUSY') !== true) throw error
    return undefined
  }
}

/** Opened only to make it: closing a file drops every record lock that this process has on it. */
function makeOnce(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

async function readHolder(noteFile: string): Promise<Holder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(noteFile, 'utf8')))
  } catch {
    // It has not said yet who it is, or a newer version says it in other words.
    return undefined
  }
}

export function describeHolder(holder: Holder | undefined): string {
  if (holder === undefined) return 'another process'
  const { pid, host, command, since, listening } = holder
  const where = listening.length > 0 ? `, listening on ${listening.join(', ')}` : ''
  return `"lockkeeper ${command}", process ${pid} on ${host} since ${since}${where}`
}
