/** Knows how a mount is made for the command: of a gateway elsewhere, of the one that has the folder, or of our own. */
import { connect } from 'node:net'
import { once } from 'node:events'
import { loadGatewaySettings, type GatewaySettings } from '../../config/gateway-settings.js'
import { loadSettings, flagsSource } from '../../config/load.js'
import { serveOptions, type LogLevel } from '../../config/schema.js'
import { parseGatewayUrl } from '../fuse/gateway-address.js'
import { greetGateway } from '../fuse/greeting.js'
import { openMount, type Mount } from '../fuse/mounting.js'
import { createLogger } from '../program/logger.js'
import { runGateway } from '../program/main.js'
import { mounting, openServedMount } from '../program/served-mount.js'
import { existingFolder } from '../program/served-folder.js'
import { watchSignals } from '../program/signals.js'
import { mountSocketIn, stateFolderOf } from '../program/state/places.js'
import { CommandError, exitCodes } from './exit-code.js'

export interface MountFlags {
  readonly as?: string
  readonly readOnly?: true
  readonly allowOther?: true
  readonly plainFiles?: true
  readonly logLevel: string
}

/** A part of a writer tag, which has 64 characters. */
const namePattern = /^[A-Za-z0-9_~-]{1,20}$/

export async function mount(
  source: string,
  folder: string,
  flags: MountFlags,
): Promise<number> {
  if (flags.as !== undefined && !namePattern.test(flags.as)) {
    const message = '--as: a client has 1 to 20 of the characters A-Z a-z 0-9 _ ~ and -'
    throw new CommandError(exitCodes.usage, message)
  }
  const { logLevel } = loadSettings({ logLevel: serveOptions.logLevel }, [
    flagsSource({ logLevel: flags.logLevel }),
  ])
  return /^https?:\/\//i.test(source)
    ? mountRemote(source, folder, flags, logLevel)
    : mountLocal(source, folder, flags, logLevel)
}

async function mountRemote(
  url: string,
  folder: string,
  flags: MountFlags,
  logLevel: LogLevel,
): Promise<number> {
  const parsed = parseGatewayUrl(url)
  if (flags.plainFiles === true) {
    throw new CommandError(exitCodes.usage, '--plain-files is for a folder on this machine')
  }
  if (parsed === undefined) throw new CommandError(exitCodes.usage, `"${url}" is no address`)
  const { address, basis } = parsed
  await mounting(() => greetGateway(address, basis))
  const logger = createLogger({ level: logLevel })
  const options = { ...parsed, ...mountOptions(flags), folder, logger }
  const isOne = basis.length > 0
  return untilSignal(folder, async () => mounting(() => openMount(options)), isOne)
}

/** Through the gateway that serves the folder, if one does; else this process is the gateway. */
async function mountLocal(
  path: string,
  folder: string,
  flags: MountFlags,
  logLevel: LogLevel,
): Promise<number> {
  const served = await existingFolder(path)
  const settings = environmentSettings()
  const socket = mountSocketIn(stateFolderOf(served, settings.state))
  const logger = createLogger({ level: logLevel })
  if (await isAnswered(socket)) {
    const { as } = flags
    const hasPlainFiles = flags.plainFiles === true
    const options = { folder: served, socket, mountFolder: folder, as, hasPlainFiles, logger }
    return untilSignal(folder, async () =>
      openServedMount({ ...options, ...mountOptions(flags), as }),
    )
  }
  const asked = { ...flags, path: served, listeners: [], fuse: folder, logLevel }
  return runGateway({
    settings: { ...settings, ...asked },
    logger,
    reread: () => ({ ...environmentSettings(), ...asked }),
    onServing: ({ mountFolder = folder }) => sayMounted(mountFolder),
  })
}

function environmentSettings(): GatewaySettings {
  return loadGatewaySettings({ flags: {}, environment: process.env }).settings
}

function mountOptions(flags: MountFlags): {
  isReadOnly: boolean
  allowOther: boolean
  as?: string
} {
  const { as, readOnly: isReadOnly = false, allowOther = false } = flags
  return { isReadOnly, allowOther, ...(as === undefined ? {} : { as }) }
}

async function untilSignal(
  folder: string,
  open: () => Promise<Mount>,
  isOne = false,
): Promise<number> {
  const { signalled } = watchSignals()
  const mounted = await open()
  sayMounted(mounted.folder, isOne)
  const lost = await Promise.race([signalled.then(() => undefined), mounted.lost])
  await mounted.close()
  if (lost === undefined) return exitCodes.ok
  throw new CommandError(
    exitCodes.unavailable,
    `the mount on "${folder}" is lost: ${lost.message}`,
  )
}

function sayMounted(folder: string, isOne = false): void {
  process.stdout.write(
    `Mounted on ${folder}\n\nTry it:\n  restic -r ${folder}${isOne ? '' : '/REPOSITORY'} snapshots\n`,
  )
}

async function isAnswered(socketFile: string): Promise<boolean> {
  const socket = connect(socketFile)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
