/** Knows the command that makes the repositories of a gateway a folder. */
import { Option, type Command } from 'commander'
import { connect } from 'node:net'
import { once } from 'node:events'
import { loadGatewaySettings, type GatewaySettings } from '../../config/gateway-settings.js'
import { loadSettings, flagsSource } from '../../config/load.js'
import { serveOptions, type LogLevel } from '../../config/schema.js'
import { parseGatewayUrl } from '../fuse/gateway-address.js'
import { openMount, type Mount } from '../fuse/mounting.js'
import { createLogger } from '../logger.js'
import { runGateway } from '../main.js'
import { mounting, openServedMount } from '../served-mount.js'
import { servedFolder } from '../served-folder.js'
import { watchSignals } from '../signals.js'
import { StartError } from '../start-error.js'
import { mountSocketIn, stateFolderOf } from '../state/state.js'
import { CommandError, exitCodes } from './exit-code.js'

const examples = `
What is refused is an error to the program on the mount (EACCES); why is said here, on stderr.

Examples:
  $ lockkeeper mount /srv/restic ~/repositories
  $ restic -r ~/repositories/laptop backup ~/Documents

  The repositories of a gateway elsewhere, or one of them:
  $ lockkeeper mount http://user:password@backup.example:8000/ ~/repositories
  $ lockkeeper mount http://backup.example:8000/laptop ~/laptop --read-only

Signals:
  SIGTERM and SIGINT unmount, exit code 0.`

interface Flags {
  readonly as?: string
  readonly readOnly?: true
  readonly allowOther?: true
  readonly plainFiles?: true
  readonly logLevel: string
}

/** A part of a writer tag, which has 64 characters. */
const namePattern = /^[A-Za-z0-9_~-]{1,20}$/

export function addMount(program: Command): void {
  program
    .command('mount')
    .summary('mount the repositories of a gateway on a folder')
    .description(
      'Mounts the repositories of a gateway, or of a folder on this machine, on a folder, for programs that only know ' +
        'folders. Each process that writes there is told apart from every other. Runs until a signal ends it.',
    )
    .argument('<URL|PATH>', 'the address of a gateway, or the folder of the repositories')
    .argument('<DIR>', 'the folder to mount on; it must be empty')
    .addOption(new Option('--as <CLIENT>', 'the name of the client, as status shows it'))
    .addOption(new Option('--read-only', 'let nothing be changed'))
    .addOption(new Option('--allow-other', 'let other users of this machine in'))
    .addOption(
      new Option(
        '--plain-files',
        'of a folder on this machine: keep other files beside the repositories; they are not fenced',
      ),
    )
    .addOption(
      new Option('--log-level <LEVEL>', serveOptions.logLevel.help).default(
        serveOptions.logLevel.default,
      ),
    )
    .addHelpText('after', examples)
    .action(async (source: string, folder: string, flags: Flags) => {
      process.exitCode = await mount(source, folder, flags)
    })
}

async function mount(source: string, folder: string, flags: Flags): Promise<number> {
  if (flags.as !== undefined && !namePattern.test(flags.as)) {
    const message = '--as: a client has 1 to 20 of the characters A-Z a-z 0-9 _ ~ and -'
    throw new CommandError(exitCodes.usage, message)
  }
  const { logLevel } = loadSettings({ logLevel: serveOptions.logLevel }, [
    flagsSource({ logLevel: flags.logLevel }),
  ])
  try {
    return /^https?:\/\//i.test(source)
      ? await mountRemote(source, folder, flags, logLevel)
      : await mountLocal(source, folder, flags, logLevel)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new CommandError(exitCodes.unavailable, error.message, { cause: error })
  }
}

async function mountRemote(
  url: string,
  folder: string,
  flags: Flags,
  logLevel: LogLevel,
): Promise<number> {
  const parsed = parseGatewayUrl(url)
  if (flags.plainFiles === true) {
    throw new CommandError(exitCodes.usage, '--plain-files is for a folder on this machine')
  }
  if (parsed === undefined) throw new CommandError(exitCodes.usage, `"${url}" is no address`)
  return untilSignal(folder, async () =>
    mounting(() =>
      openMount({
        ...parsed,
        ...mountFlags(flags),
        folder,
        logger: createLogger({ level: logLevel }),
      }),
    ),
  )
}

/** Through the gateway that serves the folder, if one does; else this process is the gateway. */
async function mountLocal(
  path: string,
  folder: string,
  flags: Flags,
  logLevel: LogLevel,
): Promise<number> {
  const served = await servedFolder(path)
  const settings = environmentSettings()
  const socket = mountSocketIn(stateFolderOf(served, settings.state))
  const logger = createLogger({ level: logLevel })
  if (await isAnswered(socket)) {
    const { as } = flags
    const hasPlainFiles = flags.plainFiles === true
    const options = { folder: served, socket, mountFolder: folder, as, hasPlainFiles, logger }
    return untilSignal(folder, async () =>
      openServedMount({ ...options, ...mountFlags(flags), as }),
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

function mountFlags(flags: Flags): { isReadOnly: boolean; allowOther: boolean; as?: string } {
  const { as, readOnly: isReadOnly = false, allowOther = false } = flags
  return { isReadOnly, allowOther, ...(as === undefined ? {} : { as }) }
}

async function untilSignal(folder: string, open: () => Promise<Mount>): Promise<number> {
  const { signalled } = watchSignals()
  const mounted = await open()
  sayMounted(mounted.folder)
  const lost = await Promise.race([signalled.then(() => undefined), mounted.lost])
  await mounted.close()
  if (lost === undefined) return exitCodes.ok
  throw new CommandError(
    exitCodes.unavailable,
    `the mount on "${folder}" is lost: ${lost.message}`,
  )
}

function sayMounted(folder: string): void {
  process.stdout.write(
    `Mounted on ${folder}\n\nTry it:\n  restic -r ${folder}/laptop backup ~/Documents\n`,
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
