/** Composes the gateway from its parts, once, and keeps it going until a signal ends it. */
import { AssertionError } from 'node:assert'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import { openPlainFolder } from '../backends/local/plain-folder.js'
import { howToRecover } from '../backends/sqlite/faults.js'
import { observingWarning, type ServeSettings } from '../config/schema.js'
import { BackendError } from '../fencing/ports.js'
import { explainAddress, faultOfAddress } from './address-check.js'
import { Recordings } from './admin/following.js'
import { AdminService } from './admin/service.js'
import { openAdminSocket } from './admin/socket.js'
import { assemble, type Assembly } from './assembly.js'
import { countUntil } from './counting.js'
import { logEvents } from './event-log.js'
import { defaultParking, Gate } from './gate/gate.js'
import type { Mount } from './fuse/mounting.js'
import { createHttpServer, type HttpServer } from './http/server.js'
import { openMountListener } from './mount-listener.js'
import { servedFolder } from './served-folder.js'
import { openServedMount } from './served-mount.js'
import { firstSignal } from './signals.js'
import { starting, StartError } from './start-error.js'
import { mountSocketIn, stateFolderOf } from './state/state.js'
import { systemClock, systemRandom } from './surroundings.js'
import type { PlainFiles } from './webdav/plain-files.js'

export interface Serving {
  readonly folder: string
  /** As in a URL; undefined where only the mount is served. */
  readonly address: string | undefined
  /** The real path of the folder that the repositories are mounted on. */
  readonly mountFolder: string | undefined
  /** What an operator must be told. */
  readonly warnings: readonly string[]
}

/** What a gateway can be run with: without an address where it is only to be mounted. */
export interface RunSettings extends Omit<ServeSettings, 'listen'> {
  readonly listen?: ServeSettings['listen'] | undefined
  /** Of the mount. */
  readonly as?: string
  readonly readOnly?: boolean
  readonly allowOther?: boolean
}

const tickMs = 5_000
/** The orderly end takes 10 s at most; requests get the most of it. */
const drainMs = 7_000
const endMs = 9_500

/** Serves until a signal; answers the exit code. Throws a StartError where it cannot start, with nothing changed. */
export async function runGateway(
  settings: RunSettings,
  logger: Logger,
  onServing: (serving: Serving) => void,
): Promise<number> {
  process.on('uncaughtExceptionMonitor', (error) => {
    logger.fatal({ err: error }, 'a bug stopped the gateway')
  })
  const { signalled } = firstSignal()
  const recordings = new Recordings()
  recordings.subscribe(logEvents(logger))
  const assembly = await assembleFor(settings, recordings, logger)
  const { folder, fences, store, state } = assembly
  const gate = new Gate({ store, fences, random: systemRandom, ...defaultParking })
  const { appendOnly: isAppendOnly } = settings
  const plain = await plainFilesOf(settings, assembly)
  const hasDav = !settings.noWebdav
  const server = createHttpServer({
    ...{ gate, clock: systemClock, logger, isAppendOnly, hasDav },
    ...(plain === undefined ? {} : { plain }),
  })
  const ending = new AbortController()
  const working = Promise.all([
    tickUntil(ending.signal, assembly),
    countUntil(ending.signal, assembly, logger),
  ])
  try {
    const warnings = await loadJournals(assembly, logger)
    const admin = new AdminService({ ...assembly, recordings })
    const socket = await openAdminSocket({ admin, file: state.adminSocket, logger })
    const file = mountSocketIn(state.folder)
    const mounts = await openMountListener({
      gate,
      clock: systemClock,
      logger,
      isAppendOnly,
      file,
    })
    try {
      const address = await listen(server, settings)
      await state.announce(address === undefined ? [] : [address])
      const mount = await mountWhereAsked(settings, folder, file, logger)
      if (settings.fencing === 'observe') logger.warn(observingWarning)
      logger.info({ folder, address, mount: mount?.folder, isAppendOnly }, 'serving')
      onServing({ folder, address, mountFolder: mount?.folder, warnings })
      logger.info({ signal: await signalled }, 'ending')
      endInTime(logger)
      await mount?.close()
    } finally {
      await server.close(drainMs)
      await mounts.close(drainMs)
      await socket.close()
    }
  } finally {
    ending.abort()
    await working
    await assembly.close()
  }
  logger.info('ended')
  return 0
}

async function plainFilesOf(
  { plainFiles }: RunSettings,
  { folder, state }: Assembly,
): Promise<PlainFiles | undefined> {
  return plainFiles ? openPlainFolder({ root: folder, stateFolder: state.folder }) : undefined
}

async function mountWhereAsked(
  settings: RunSettings,
  folder: string,
  socket: string,
  logger: Logger,
): Promise<Mount | undefined> {
  if (settings.fuse === '') return undefined
  const { fuse: mountFolder, as, readOnly: isReadOnly = false, allowOther = false } = settings
  return openServedMount({ folder, socket, mountFolder, as, isReadOnly, allowOther, logger })
}

async function assembleFor(
  settings: RunSettings,
  recordings: Recordings,
  logger: Logger,
): Promise<Assembly> {
  const fault = settings.listen && (await faultOfAddress(settings.listen))
  // Of a gateway that is refused nothing must remain. Where there is a state, the gateway that has it is named first.
  if (fault !== undefined && !existsSync(stateFolderOf(resolve(settings.path)))) throw fault
  const folder = await servedFolder(settings.path)
  const onFault = (error: unknown, what: string): void => {
    if (error instanceof AssertionError) throw error
    logger.error({ err: error }, `${what} failed`)
  }
  const { observe } = recordings
  const assembly = await starting(() =>
    assemble({ folder, command: 'serve', settings, observe, onFault }),
  )
  const refusal = fault ?? refusalOf(assembly)
  if (refusal === undefined) return assembly
  await assembly.close()
  throw refusal
}

/** A newer program may have laid out more than the journal anew. */
function refusalOf({ fault }: Assembly): StartError | undefined {
  return fault?.code === 'newer-state' ? new StartError(fault.message) : undefined
}

/** Answers what is damaged: reads are served there, and writes refused. */
async function loadJournals(
  { fault, fences, journal, state }: Assembly,
  logger: Logger,
): Promise<string[]> {
  if (fault !== undefined) {
    logger.error({ err: fault }, 'the journal cannot be used')
    return [fault.message]
  }
  await fences.loadAll()
  const warnings: string[] = []
  for (const repository of await journal.repositories()) {
    try {
      await fences.of(repository)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      warnings.push(`${error.message}. ${howToRecover(state.journalFile)}`)
    }
  }
  return warnings
}

/** Undefined where no address is served. */
async function listen(
  server: HttpServer,
  { listen: where }: RunSettings,
): Promise<string | undefined> {
  if (where === undefined) return undefined
  try {
    const { address } = await server.listen(where)
    return address
  } catch (error) {
    throw explainAddress(where, error)
  }
}

/** What time itself decides, every few seconds; resolves when no check runs any more. */
async function tickUntil(ending: AbortSignal, { fences }: Assembly): Promise<void> {
  while (!ending.aborted) {
    await setTimeout(tickMs, undefined, { signal: ending }).catch(() => undefined)
    await fences.tick()
  }
}

/** What a client or a disk holds up does not keep the process: nothing that was promised is lost by ending it. */
function endInTime(logger: Logger): void {
  const timeout = globalThis.setTimeout(() => {
    logger.warn('ended before all requests were over')
    process.exit(0)
  }, endMs)
  timeout.unref()
}
