/** Knows every option of the gateway, once: flags, variables and help are made from it. */
import { z } from 'zod'
import { formatListenAddress, isLoopback } from './listen-address.js'
import {
  duration,
  listenAddress,
  size,
  text,
  toggle,
  type OptionSpecs,
  type ValuesOf,
} from './option.js'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const fencingModes = ['enforce', 'observe'] as const
export const observingWarning =
  '--fencing observe: NOTHING IS PROTECTED. What would be refused is only noted and counted'

/** What every command takes. */
export const commonOptions = {
  path: {
    schema: text,
    default: './data',
    argument: 'DIR',
    help: 'the folder of the repositories; the state of the gateway is in DIR/.lockkeeper',
  },
} satisfies OptionSpecs

export const serveOptions = {
  ...commonOptions,
  listen: {
    schema: listenAddress,
    default: '127.0.0.1:8000',
    argument: 'HOST:PORT',
    help: 'where to listen; other machines are let in only with --no-auth',
  },
  noAuth: {
    schema: toggle,
    default: false,
    help: 'serve everybody who can reach the address, without asking who they are',
  },
  appendOnly: {
    schema: toggle,
    default: false,
    help: 'let nothing be deleted but locks',
  },
  noWebdav: {
    schema: toggle,
    default: false,
    help: 'serve no WebDAV (it is under /-/dav/ otherwise)',
  },
  plainFiles: {
    schema: toggle,
    default: false,
    help: 'let WebDAV keep other files beside the repositories: ordinary storage, not fenced',
  },
  fencing: {
    schema: z.enum(fencingModes, `one of ${fencingModes.join(', ')}`),
    default: 'enforce',
    argument: 'MODE',
    help: 'enforce, or observe: refuse nothing, and note what would have been refused; nothing is protected then',
  },
  fuse: {
    schema: z.string(),
    default: '',
    argument: 'DIR',
    help: 'mount the repositories on this folder too, for programs that only know folders',
  },
  lockTimeout: {
    schema: duration,
    default: '30m',
    argument: 'TIME',
    help: 'hide a lock from others that was not refreshed for so long',
  },
  maxSize: {
    schema: size,
    default: '0',
    argument: 'SIZE',
    help: 'refuse packs once all repositories together would have more bytes; 0 is no bound',
  },
  quarantineMaxSize: {
    schema: size,
    default: '10GiB',
    argument: 'SIZE',
    help: 'keep at most so many bytes of refused writes, half of them of one client; of more, only the story',
  },
  quarantineMaxAge: {
    schema: duration,
    default: '90d',
    argument: 'TIME',
    help: 'drop the bytes of a refused write so long after its last try',
  },
  writerMaxAge: {
    schema: duration,
    default: '14d',
    argument: 'TIME',
    help: 'take a writer for ended that was silent for so long; one that wakes later is not recognised',
  },
  logLevel: {
    schema: z.enum(logLevels, `one of ${logLevels.join(', ')}`),
    default: 'info',
    argument: 'LEVEL',
    help: `${logLevels.join(', ')}; debug has a line for each request`,
  },
} satisfies OptionSpecs

export type ServeSettings = ValuesOf<typeof serveOptions>

/** What is wrong with settings that are each right; every sentence says what to do. */
export function contradictionsIn(settings: ServeSettings): string[] {
  const { listen, noAuth, noWebdav, plainFiles } = settings
  const contradictions =
    noWebdav && plainFiles
      ? ['--plain-files are served over WebDAV only; leave one of it and --no-webdav away']
      : []
  if (noAuth || isLoopback(listen)) return contradictions
  const where = formatListenAddress(listen)
  return [
    ...contradictions,
    `--listen ${where} can be reached from other machines, and this version cannot ask them who they are. ` +
      'Give --no-auth to serve everybody who can reach it, or listen on 127.0.0.1.',
  ]
}

/** restic refreshes its locks every 5 minutes. */
const lockTimeoutShortMs = 10 * 60_000
const writerAgeShortMs = 24 * 60 * 60_000

/** What an operator should know about settings that are allowed. */
export function warningsOn(settings: ServeSettings): string[] {
  const warnings: string[] = []
  const { listen, noAuth, lockTimeout, writerMaxAge } = settings
  if (settings.fencing === 'observe') warnings.push(observingWarning)
  if (noAuth && !isLoopback(listen)) {
    warnings.push(
      '--no-auth: whoever can reach the address can read and change all repositories',
    )
  }
  if (settings.plainFiles) {
    warnings.push(
      '--plain-files: folders that are no repository are ordinary storage; nothing in them is fenced',
    )
  }
  if (lockTimeout < lockTimeoutShortMs) {
    warnings.push('--lock-timeout is short: restic refreshes its locks every 5 minutes only')
  }
  if (writerMaxAge < writerAgeShortMs) {
    warnings.push(
      '--writer-max-age is short: a writer that sleeps for longer is taken for ended, and its late writes may not be recognised',
    )
  }
  return warnings
}
