/** Knows the life of a mount from outside: its helper is started, watched, started again if it dies, and ended. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Beneath } from './beneath.js'
import { go, type HelperMessage, type MountOrder } from './helper-messages.js'
import { MountError, NoMountsError } from './mount-error.js'
import { realPathOf } from './mount-table.js'
import { clearWay, detach, leftoverAt } from './unmounting.js'

export interface MountOptions extends Omit<MountOrder, 'folder' | 'refusedPids'> {
  readonly folder: string
  readonly logger: Logger
}

export interface Mount {
  /** Its real path. */
  readonly folder: string
  /** Resolves when it is dead for good, and nobody closed it. The folder stays shut until the next mount. */
  readonly lost: Promise<Error>
  /** Out of sight at once; who still waits for an answer is let go. */
  readonly close: () => Promise<void>
}

const helperFile = fileURLToPath(new URL('./helper.js', import.meta.url))
/**
 * The bytes that pass through count for V8's limit, which begins as low as its heap is small: without this it marks its
 * whole heap several times a second while a pack is read, a sixth of the time of a restore.
 */
const helperFlags = ['--initial-old-space-size=64']
const startPatienceMs = 20_000
const endPatienceMs = 3_000
/** A helper that dies again at once is not worth a third try. */
const restartsMax = 5
const restartsWindowMs = 60_000

export async function openMount(options: MountOptions): Promise<Mount> {
  const { folder, logger } = options
  await checkSystem()
  const place = await realPathOf(folder)
  const isLeftover = await isLeftBehind(place)
  if (isLeftover) logger.warn({ folder: place }, 'a mount that was left is replaced')
  const keeper = new HelperKeeper(place, options)
  try {
    await keeper.start()
  } catch (error) {
    // On a mount that was left a run may go on: it must not meet the bare folder.
    if (!isLeftover) await detach(place)
    throw error
  }
  return { folder: place, lost: keeper.lost, close: async () => keeper.close() }
}

class HelperKeeper {
  readonly #folder: string
  readonly #options: MountOptions
  readonly lost: Promise<Error>
  #lose: (error: Error) => void = () => undefined
  #helper: ChildProcess | undefined
  #isClosing = false
  #isLost = false
  #deaths: number[] = []

  constructor(folder: string, options: MountOptions) {
    this.#folder = folder
    this.#options = options
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
  }

  async start(): Promise<void> {
    const { logger, ...rest } = this.#options
    const order: MountOrder = {
      ...rest,
      folder: this.#folder,
      refusedPids: [process.pid],
    }
    const helper = fork(helperFile, {
      env: { ...process.env, ...bundledLibrary() },
      execArgv: [...process.execArgv, ...helperFlags],
      serialization: 'advanced',
    })
    this.#helper = helper
    helper.on('message', (message) => report(logger, message as HelperMessage))
    helper.send(order)
    await answerOf(helper, 'ready')
    await this.#mountWith(helper)
    helper.once('exit', (code, signal) => {
      this.#restart({ code, signal }).catch((error: unknown) => {
        this.#isLost = true
        logger.error({ err: error, folder: this.#folder }, 'the mount is lost')
        this.#lose(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  /** The way is made clear in the last moment, and what nobody could prevent is noticed. */
  async #mountWith(helper: ChildProcess): Promise<void> {
    let beneath = await Beneath.of(this.#folder)
    try {
      await clearWay(this.#folder)
      beneath ??= await Beneath.of(this.#folder)
      await beneath?.expectEmpty()
      helper.send(go)
      await answerOf(helper, 'mounted')
      await beneath?.expectEmpty()
    } catch (error) {
      helper.kill('SIGKILL')
      throw error
    } finally {
      await beneath?.close()
    }
  }

  /** Out of sight first; then whoever still waits is let go with the helper. */
  async close(): Promise<void> {
    this.#isClosing = true
    const helper = this.#helper
    if (this.#isLost) return
    await detach(this.#folder)
    if (helper === undefined || hasEnded(helper)) return
    const exited = once(helper, 'exit')
    helper.disconnect()
    const killing = new AbortController()
    const late = delay(endPatienceMs, undefined, { signal: killing.signal }).then(
      () => helper.kill('SIGKILL'),
      () => undefined,
    )
    await exited
    killing.abort()
    await late
    // Also what it mounted at the last moment.
    await detach(this.#folder)
  }

  async #restart(how: { code: number | null; signal: string | null }): Promise<void> {
    const { logger } = this.#options
    if (this.#isClosing) return
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter((at) => now - at < restartsWindowMs), now]
    logger.error({ ...how, folder: this.#folder }, 'the process of the mount died')
    if (this.#deaths.length > restartsMax) throw new MountError('it died too often')
    await this.start()
    logger.warn({ folder: this.#folder }, 'mounted again')
  }
}

async function answerOf(helper: ChildProcess, kind: 'ready' | 'mounted'): Promise<void> {
  const death = (): never => {
    throw new MountError('the process of the mount died before it had mounted')
  }
  if (hasEnded(helper)) death()
  const ending = new AbortController()
  const { signal } = ending
  try {
    await Promise.race([
      says(helper, kind),
      once(helper, 'exit', { signal }).then(death),
      delay(startPatienceMs, undefined, { signal }).then(() => {
        throw new MountError('the mount was not there in time')
      }),
    ])
  } catch (error) {
    helper.kill('SIGKILL')
    throw error
  } finally {
    ending.abort()
  }
}

function hasEnded(helper: ChildProcess): boolean {
  return helper.exitCode !== null || helper.signalCode !== null
}

async function says(helper: ChildProcess, kind: 'ready' | 'mounted'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    helper.on('message', (given) => {
      const message = given as HelperMessage
      if (message.kind === kind) resolve()
      if (message.kind === 'failed') reject(new NoMountsError(adviceOn(message)))
    })
  })
}

function report(logger: Logger, message: HelperMessage): void {
  switch (message.kind) {
    case 'refused': {
      const { object, sentence } = message
      logger.warn({ object, sentence }, 'refused')
      return
    }
    case 'fault': {
      const { call, message: fault } = message
      logger.error({ call, fault }, 'a call on the mount failed')
      return
    }
    case 'ready':
    case 'mounted':
    case 'failed':
      return
  }
}

function adviceOn({ code, message }: { code: string; message: string }): string {
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return 'the package fuse-native is not installed, and a mount needs it: npm install fuse-native@2.2.6'
  }
  if (code === 'ERR_DLOPEN_FAILED') {
    return `fuse-native does not load here (${message}); it needs libfuse.so.2 (Debian: libfuse2)`
  }
  return `the system refuses the mount (${message}); as a user other than root it needs fusermount (Debian: fuse3)`
}

async function checkSystem(): Promise<void> {
  if (process.platform !== 'linux') throw new NoMountsError('a mount needs Linux')
  try {
    await access('/dev/fuse', constants.R_OK | constants.W_OK)
  } catch {
    throw new NoMountsError(
      'there is no /dev/fuse to read and write: load the kernel module (modprobe fuse), or let the container have ' +
        'the device (--device /dev/fuse --cap-add SYS_ADMIN)',
    )
  }
}

/** Throws where it is not ours to mount on. */
async function isLeftBehind(place: string): Promise<boolean> {
  const leftover = await leftoverAt(place)
  if (leftover === 'alive') throw new MountError(`"${place}" is mounted by another Lockkeeper`)
  if (leftover === 'foreign') throw new MountError(`something else is mounted on "${place}"`)
  return leftover === 'dead'
}

/** fuse-native carries the library that it needs, but does not find it by itself. */
function bundledLibrary(): Record<string, string> {
  try {
    const require = createRequire(import.meta.url)
    const { lib } = require('fuse-shared-library-linux') as { lib: string }
    // The variable has no way to quote these.
    return /[\s:]/.test(lib) ? {} : { LD_PRELOAD: lib }
  } catch {
    return {}
  }
}
