/** Composes the gateway from its parts, once, and keeps it going until a signal ends it. */
import { AssertionError } from 'node:assert'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import { hasWaitedForDisk } from '../../backends/local/patient-disk.js'
import { openPlainFolder } from '../../backends/local/plain-folder.js'
import { howToRecover } from '../../backends/sqlite/faults.js'
import type { GatewaySettings } from '../../config/gateway-settings.js'
import type { ListenerSettings } from '../../config/listener-settings.js'
import { observingWarning, serveOptions } from '../../config/schema.js'
import { BackendError } from '../../fencing/ports.js'
import { openAccessLog, type AccessLogFile } from './access-log-file.js'
import { faultOfAddress } from './address-check.js'
import { Recordings } from '../operate/admin/following.js'
import type { Admin } from '../operate/admin/admin.js'
import { DiskLooks } from '../operate/admin/disk-looks.js'
import { AdminService } from '../operate/admin/service.js'
import type { SettingsView } from '../operate/admin/views.js'
import type { ApiParts } from '../operate/api/parts.js'
import type { Finding } from '../operate/doctor/finding.js'
import { Entrance } from '../operate/identity/entrance.js'
import { TokenFile } from '../operate/identity/token-file.js'
import { openOperatorSocket } from '../operate/operator-socket.js'
import { OperatorListeners } from './operator-listeners.js'
import { linkWarnings } from '../operate/doctor/links.js'
import { assemble, type Assembly } from './assembly.js'
import { countUntil } from './counting.js'
import { logEvents } from './event-log.js'
import { defaultParking, Gate } from '../gate/gate.js'
import { MemoryBudget } from '../http/memory-budget.js'
import { Overlays } from '../overlay/overlays.js'
import { startCpuProfile } from './cpu-profile.js'
import { keepHeapSmall } from './heap.js'
import { clientAddress, isTriable } from './client-address.js'
import type { OpenListener, ServedParts } from './listener.js'
import { Listeners } from './listeners.js'
import { rereadSettings } from './rereading.js'
import type { Mount } from '../fuse/mounting.js'
import { openMountListener } from './mount-listener.js'
import {
  createdFolder,
  existingFolder,
  readOnlyWarnings,
  refuseMissingState,
} from './served-folder.js'
import { messageOf } from './fault.js'
import { Monitoring } from './monitoring.js'
import { notifierFor } from './notifying.js'
import { isLackOfMounts, openServedMount } from './served-mount.js'
import { watchSignals, type Signals } from './signals.js'
import { refusalsOf, starting, StartError } from './start-error.js'
import { mountSocketIn, stateFolderOf, tokensIn } from './state/places.js'
import { systemClock, systemRandom } from './surroundings.js'
import { boundedFiles } from '../webdav/bounded-files.js'
import type { PlainFiles } from '../webdav/plain-files.js'

export interface Serving {
  readonly folder: string
  readonly listeners: readonly OpenListener[]
  /** The real path of the folder that the repositories are mounted on. */
  readonly mountFolder: string | undefined
  /** How many repositories stand in the folder. */
  readonly repositories: number
  /** What an operator must be told. */
  readonly warnings: readonly string[]
  /** Where operators come in by the settings. */
  readonly operators: readonly string[]
  /** A link that signs a browser in, once. */
  readonly link: () => Promise<string>
}

const tickMs = 5_000
/** At the folders of all repositories, for the operators' first page. */
const lookAgainMs = 30_000
/** The orderly end takes 10 s at most; requests get the most of it. */
const drainMs = 7_000
const endMs = 9_500
const hangingMs = 2_000

/** Without listeners where it is only to be mounted. */
export interface RunSettings extends GatewaySettings {
  /** Of the mount. */
  readonly as?: string
  readonly readOnly?: boolean
  readonly allowOther?: boolean
}

export interface Running {
  readonly settings: RunSettings
  readonly logger: Logger
  /** All settings as they are now. Throws a SettingsError. */
  readonly reread: () => GatewaySettings
  readonly onServing: (serving: Serving) => void | Promise<void>
  /** What operators are shown of the settings, and what the doctor finds; nothing where it is not told. */
  readonly shown?: {
    readonly settings: SettingsView
    readonly examine: (admin: Admin) => Promise<readonly Finding[]>
  }
}

/** Serves until a signal; answers the exit code. Throws a StartError where it cannot start, with nothing changed. */
export async function runGateway(running: Running): Promise<number> {
  const { settings, logger } = running
  process.on('uncaughtExceptionMonitor', (error) => {
    logger.fatal({ err: error }, 'a bug stopped the gateway')
  })
  const signals = watchSignals()
  const recordings = new Recordings()
  recordings.subscribe(logEvents(logger))
  const preparing = Listeners.prepare(settings.listeners, logger)
  const refusal = await refusalsOf([
    () => preparing,
    ...settings.listeners.map((listener) => () => refusePlace(listener)),
    () => refuseFolders(settings),
  ])
  // Of a gateway that is refused nothing must remain. Where there is a state, the gateway that has it is named first.
  if (refusal !== undefined && !hasState(settings)) throw refusal
  const monitoring = await Monitoring.begin(settings, recordings)
  const watching = { recordings, monitoring }
  const assembly = await assembleFor(settings, refusal, watching, logger)
  monitoring?.attach(assembly)
  const listeners = await preparing
  const ending = new AbortController()
  const working: Promise<void>[] = [tickUntil(ending.signal, assembly)]
  try {
    const files = await plainFilesOf(settings, assembly)
    working.push(countUntil(ending.signal, assembly, logger, files))
    const plain = files === undefined ? undefined : withBound(files, assembly)
    const { cpuProfile } = settings
    const endProfile = cpuProfile === undefined ? undefined : await startCpuProfile(cpuProfile)
    const parts = { listeners, assembly, ...watching, signals, plain, ending: ending.signal }
    await serve(running, parts)
    await endProfile?.()
  } finally {
    ending.abort()
    await Promise.all(working)
    await assembly.close()
  }
  logger.info('ended')
  return 0
}

interface Parts {
  readonly listeners: Listeners
  readonly assembly: Assembly
  readonly recordings: Recordings
  readonly monitoring: Monitoring | undefined
  readonly signals: Signals
  readonly ending: AbortSignal
  readonly plain: PlainFiles | undefined
}

async function serve(running: Running, parts: Parts): Promise<void> {
  const { settings, logger, onServing } = running
  const { listeners, assembly, recordings, monitoring, signals, plain, ending } = parts
  const { folder, fences, store, state } = assembly
  const gate = new Gate({
    ...{ store, fences, random: systemRandom, ...defaultParking },
    repositoriesMax: settings.maxRepositories,
    shares: { runsMax: settings.maxRuns, locksMax: settings.maxLocks },
    ...(monitoring === undefined ? {} : { watch: monitoring.watchDecision }),
  })
  const accessLog = settings.log === undefined ? undefined : openAccessLog(settings.log)
  // Each of them waits for some seconds where a disk hangs.
  const [links, readOnly, damage] = await Promise.all([
    linkWarnings(folder),
    readOnlyWarnings(folder, state.folder),
    loadJournals(assembly, logger),
  ])
  void monitoring?.read(assembly, logger, ending)
  for (const warning of [...links, ...readOnly]) logger.warn(warning)
  const warnings = [...new Set([...links, ...readOnly, ...damage])]
  const tokens = new TokenFile(tokensIn(state.folder), systemClock.now)
  const operators = await OperatorListeners.prepare(settings.admin, tokens, logger)
  const entrance = new Entrance({ ...systemClock, origin: () => operators.origin() })
  const overlays = new Overlays({ store, random: systemRandom })
  recordings.subscribe(overlays.observe)
  let served: readonly OpenListener[] = []
  const notifier = await notifierFor({ settings, assembly, recordings, logger })
  const looks = new DiskLooks(store, systemClock)
  void looks.look()
  const looking = setInterval(() => void looks.look(), lookAgainMs).unref()
  const admin = new AdminService({
    ...{ ...assembly, recordings, tokens, entrance, overlays, looks },
    addressOf: (path) => addressOf(served, path),
    plain: plain ?? null,
    testNotification: async () => (await notifier?.test()) ?? [],
  })
  const api = apiParts(running, parts, admin)
  const file = mountSocketIn(state.folder)
  const { appendOnly: isAppendOnly } = settings
  const around = { gate, clock: systemClock, logger }
  // No socket can be made on a read-only volume.
  const socket = state.isReadOnly
    ? undefined
    : await openOperatorSocket({ parts: api, file: state.adminSocket, logger })
  const mounts = state.isReadOnly
    ? undefined
    : await openMountListener({ ...around, isAppendOnly, folder, file })
  try {
    notifier?.start()
    const budget = new MemoryBudget({ bytesMax: settings.maxBufferedBodies })
    const open = await listeners.open({
      ...{ gate, hasDav: !settings.noWebdav, budget, overlays },
      ...(accessLog === undefined ? {} : { accessLog }),
      ...(plain === undefined ? {} : { plain }),
      ...monitoring?.served,
      ...(await browserOf(settings, gate, logger)),
    })
    served = open
    const places = await operators.open(api, entrance)
    for (const { address } of places) logger.info({ address }, 'operators come in here')
    await state.announce(open.map(({ address }) => address))
    const mount = mounts && (await mountWhereAsked(settings, folder, file, logger, warnings))
    if (settings.fencing === 'observe') logger.warn(observingWarning)
    for (const listener of open) logger.info({ folder, ...listener }, 'serving')
    const repositories = (await store.repositories()).length
    await onServing({
      ...{ folder, listeners: open, mountFolder: mount?.folder, repositories, warnings },
      operators: places.map(({ address }) => address),
      link: async () => (await entrance.link('whoever started the gateway')).url,
    })
    signals.onHangup(() => void operators.reload())
    reread(running, signals, listeners, accessLog)
    logger.info({ signal: await signals.signalled }, 'ending')
    endInTime(logger)
    await mount?.close()
  } finally {
    clearInterval(looking)
    await listeners.close(drainMs)
    await mounts?.close(drainMs)
    await operators.close()
    await socket?.close()
    accessLog?.close()
    await notifier?.close()
  }
}

function addressOf(listeners: readonly OpenListener[], path: string): string {
  const listener = listeners.find(isTriable)
  return `${listener === undefined ? 'https://HOST' : clientAddress(listener)}${path}`
}

function apiParts({ shown }: Running, parts: Parts, admin: Admin): ApiParts {
  const { assembly, recordings, monitoring } = parts
  const nothing = { settings: {}, listeners: [], warnings: [] }
  return {
    ...{ admin, recordings },
    settings: shown?.settings ?? nothing,
    places: [...new Set([assembly.folder, assembly.state.folder])],
    examine: async () => (await shown?.examine(admin)) ?? [],
    fault: () => assembly.fault?.message,
    scrape: monitoring?.scrape,
  }
}

/** Only where the gateway has a repository's password is there anything to browse; elsewhere nothing of it is loaded. */
async function browserOf(
  { repositories }: RunSettings,
  gate: Gate,
  logger: Logger,
): Promise<Pick<ServedParts, 'browser'>> {
  if (repositories.length === 0) return {}
  const { snapshotBrowser } = await import('./browsing.js')
  return { browser: snapshotBrowser({ repositories, gate, logger, clock: systemClock }) }
}

async function plainFilesOf(
  settings: RunSettings,
  { folder, state }: Assembly,
): Promise<PlainFiles | undefined> {
  if (!settings.plainFiles) return undefined
  const own = ownFiles(settings)
  return openPlainFolder({ root: folder, stateFolder: state.folder, own })
}

/** What lies in the folder of the repositories by default, or may: no client is to read or replace any of it. */
function ownFiles({ listeners, log, cpuProfile, config }: RunSettings): string[] {
  const ofListeners = listeners.flatMap(({ htpasswdFile, tls }) => {
    return [htpasswdFile, tls?.certificateFile, tls?.keyFile, tls?.clientCaFile]
  })
  return [...ofListeners, log, cpuProfile, config].filter((file) => file !== undefined)
}

function withBound(files: PlainFiles, { quota }: Assembly): PlainFiles {
  return quota === undefined ? files : boundedFiles(files, quota.space)
}

/** Where this system has no mounts, what else was asked for is served all the same. */
async function mountWhereAsked(
  settings: RunSettings,
  folder: string,
  socket: string,
  logger: Logger,
  warnings: string[],
): Promise<Mount | undefined> {
  if (settings.fuse === '') return undefined
  const { fuse: mountFolder, as, readOnly: isReadOnly = false, allowOther = false } = settings
  const hasPlainFiles = settings.plainFiles
  const options = { folder, socket, mountFolder, as, isReadOnly, allowOther, hasPlainFiles }
  try {
    return await openServedMount({ ...options, logger })
  } catch (error) {
    if (settings.listeners.length === 0 || !isLackOfMounts(error)) throw error
    const warning = `nothing is mounted on "${mountFolder}": ${messageOf(error)}`
    logger.error(warning)
    warnings.push(warning)
    return undefined
  }
}

/** One after another: what asks again meanwhile is served afterwards. */
function reread(
  running: Running,
  signals: Signals,
  listeners: Listeners,
  accessLog: AccessLogFile | undefined,
): void {
  let before = Promise.resolve()
  signals.onHangup(() => {
    before = before.then(() => rereadSettings({ ...running, listeners, accessLog }))
  })
}

async function assembleFor(
  settings: GatewaySettings,
  refused: StartError | undefined,
  { recordings, monitoring }: Pick<Parts, 'recordings' | 'monitoring'>,
  logger: Logger,
): Promise<Assembly> {
  const { path } = settings
  const folder = await (mayMakeFolders(settings) ? createdFolder(path) : existingFolder(path))
  const onFault = (error: unknown, what: string): void => {
    if (error instanceof AssertionError) throw error
    logger.error({ err: error }, `${what} failed`)
  }
  const { observe } = recordings
  const assembly = await starting(() =>
    assemble({
      ...{ folder, command: 'serve', settings, observe, onFault },
      ...(monitoring === undefined ? {} : { appended: monitoring.appended }),
    }),
  )
  const refusal = refused ?? refusalOf(assembly)
  if (refusal === undefined) return assembly
  await assembly.close()
  throw refusal
}

function hasState({ path, state }: GatewaySettings): boolean {
  return existsSync(path) && existsSync(stateFolderOf(resolve(path), state))
}

/** A mistyped path, or the place of a disk that is not mounted, must not become a healthy-looking empty gateway. */
async function refuseFolders(settings: GatewaySettings): Promise<void> {
  const { path, state, create } = settings
  if (state !== undefined && !create) await refuseMissingState(state)
  if (!mayMakeFolders(settings) || existsSync(path)) await existingFolder(path)
}

function mayMakeFolders({ path, create }: GatewaySettings): boolean {
  return create || path === serveOptions.path.default
}

/** As far as it can be told without listening there. */
async function refusePlace({ place }: ListenerSettings): Promise<void> {
  const fault = place.kind === 'address' ? await faultOfAddress(place.address) : undefined
  if (fault !== undefined) throw fault
}

/** A newer program may have laid out more than the journal anew. */
function refusalOf({ fault }: Assembly): StartError | undefined {
  return fault?.code === 'newer-state' ? new StartError(fault.message) : undefined
}

/** Answers what is damaged: reads are served there, and writes refused. */
async function loadJournals(assembly: Assembly, logger: Logger): Promise<string[]> {
  const { fault, fences, journal, state } = assembly
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
  const unknown = await unknownRepositories(assembly)
  if (unknown.length > 0) {
    logger.warn({ repositories: unknown.slice(0, 100) }, unknownWarning(unknown.length))
    warnings.push(unknownWarning(unknown.length))
  }
  return warnings
}

/** Those that stand in the folder without a journal: adopted for the first time, or the state was lost. */
async function unknownRepositories({ store, journal }: Assembly): Promise<string[]> {
  const known = new Set(await journal.repositories())
  return (await store.repositories()).filter((repository) => !known.has(repository))
}

function unknownWarning(count: number): string {
  return (
    `${count === 1 ? 'a repository is' : `${count} repositories are`} new to this gateway, or its state was lost: ` +
    'of the runs that began before now it knows only those whose locks stand, and fences what the others write'
  )
}

/** What time itself decides, every few seconds; resolves when no check runs any more. */
async function tickUntil(
  ending: AbortSignal,
  { fences, reserves, runningTime, search }: Assembly,
): Promise<void> {
  while (!ending.aborted) {
    void reserves.restore()
    await runningTime.keepNowAndThen()
    // Each thread that V8 begins takes this back.
    keepHeapSmall()
    await setTimeout(tickMs, undefined, { signal: ending }).catch(() => undefined)
    void fences.tick()
    // So that the first question need not wait for all that was recorded since the last one.
    void search.catchUp().catch(() => undefined)
  }
  await fences.ticked()
}

/** What a client or a disk holds up does not keep the process: nothing that was promised is lost by ending it. */
function endInTime(logger: Logger): void {
  const timeout = globalThis.setTimeout(() => {
    logger.warn('ended before all requests were over')
    // An exit would wait for the thread that waits for the disk.
    if (hasWaitedForDisk(hangingMs)) process.kill(process.pid, 'SIGKILL')
    process.exit(0)
  }, endMs)
  timeout.unref()
}
