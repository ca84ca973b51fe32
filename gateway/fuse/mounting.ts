/** Knows the life of a mount from outside: its helper is started, watched, started again if it dies, and ended. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { HelperMessage, MountOrder } from './helper-messages.js'
import { realPathOf } from './mount-table.js'
import { detach, removeLeftover } from './unmounting.js'

/** The mount cannot be had; the message says what to do. */
export class MountError extends Error {
  override readonly name: string = 'MountError'
}

/** This system has no mounts at all, or no fuse-native: nothing that was asked for is wrong. */
export class NoMountsError extends MountError {
  override readonly name = 'NoMountsError'
}

export interface MountOptions extends Omit<
  MountOrder,
  'folder' | 'autoUnmount' | 'refusedPids'
> {
  readonly folder: string
  readonly logger: Logger
}

export interface Mount {
  /** Its real path. */
  readonly folder: string
  /** Resolves when it is gone for good, and nobody closed it. */
  readonly lost: Promise<Error>
  /** Out of sight at once; who still waits for an answer is let go. */
  readonly close: () => Promise<void>
}

const helperFile = fileURLToPath(new URL('./helper.js', import.meta.url))
const startPatienceMs = 20_000
const endPatienceMs = 3_000
/** A helper that dies again at once is not worth a third try. */
const restartsMax = 5
const restartsWindowMs = 60_000

export async function openMount(options: MountOptions): Promise<Mount> {
  const { folder, logger } = options
  await checkSystem()
  const place = await prepareFolder(folder, logger)
  const keeper = new HelperKeeper(place, options)
  await keeper.start()
  return { folder: place, lost: keeper.lost, close: async () => keeper.close() }
}

class HelperKeeper {
  readonly #folder: string
  readonly #options: MountOptions
  readonly lost: Promise<Error>
  #lose: (error: Error) => void = () => undefined
  #helper: ChildProcess | undefined
  #isClosing = false
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
      autoUnmount: await hasProgram('fusermount'),
      refusedPids: [process.pid],
    }
    const helper = fork(helperFile, {
      env: { ...process.env, ...bundledLibrary() },
      execArgv: [...process.execArgv],
      serialization: 'advanced',
    })
    this.#helper = helper
    helper.on('message', (message) => report(logger, message as HelperMessage))
    helper.send(order)
    await outcomeOf(helper)
    helper.once('exit', (code, signal) => {
      this.#restart({ code, signal }).catch((error: unknown) => {
        logger.error({ err: error, folder: this.#folder }, 'the mount is lost')
        this.#lose(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  /** Out of sight first; then whoever still waits is let go with the helper. */
  async close(): Promise<void> {
    this.#isClosing = true
    const helper = this.#helper
    await detach(this.#folder)
    if (helper === undefined || helper.exitCode !== null || helper.signalCode !== null) return
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
  }

  async #restart(how: { code: number | null; signal: string | null }): Promise<void> {
    const { logger } = this.#options
    if (this.#isClosing) return
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter((at) => now - at < restartsWindowMs), now]
    logger.error({ ...how, folder: this.#folder }, 'the process of the mount died')
    await removeLeftover(this.#folder)
    if (this.#deaths.length > restartsMax) throw new MountError('it died too often')
    await this.start()
    logger.warn({ folder: this.#folder }, 'mounted again')
  }
}

async function outcomeOf(helper: ChildProcess): Promise<void> {
  const ending = new AbortController()
  const { signal } = ending
  try {
    await Promise.race([
      mounted(helper),
      once(helper, 'exit', { signal }).then(() => {
        throw new MountError('the process of the mount died before it had mounted')
      }),
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

async function mounted(helper: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    helper.on('message', (given) => {
      const message = given as HelperMessage
      if (message.kind === 'mounted') resolve()
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

async function prepareFolder(folder: string, logger: Logger): Promise<string> {
  const place = await realPathOf(folder)
  const leftover = await removeLeftover(place)
  if (leftover === 'removed') logger.warn({ folder: place }, 'removed a mount that was left')
  if (leftover === 'alive') throw new MountError(`"${place}" is mounted by another Lockkeeper`)
  if (leftover === 'foreign') throw new MountError(`something else is mounted on "${place}"`)
  const names = await readdir(place).catch((error: unknown) => {
    throw new MountError(`"${place}" is not a folder that can be read; make it first (mkdir)`, {
      cause: error,
    })
  })
  if (names.length > 0)
    throw new MountError(`"${place}" is not empty; mount on an empty folder`)
  return place
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

async function hasProgram(name: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const isThere = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return true
  }
  return false
}
