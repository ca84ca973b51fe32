/** Knows every option of the gateway, once: flags, variables, keys of the file and help are made from it. */
import { z } from 'zod'
import { adminOptions } from './admin-options.js'
import { listenerOptions } from './listener-options.js'
import {
  count,
  duration,
  passwordFiles,
  size,
  text,
  toggle,
  unsaidText,
  type OptionSpecs,
} from './option.js'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
export const logFormats = ['json', 'pretty'] as const
export type LogFormat = (typeof logFormats)[number]

export const fencingModes = ['enforce', 'observe'] as const
export const observingWarning =
  '--fencing observe: NOTHING IS PROTECTED. What would be refused is only noted and counted'

/** What every command takes. */
export const commonOptions = {
  config: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'a YAML file with settings; flags and variables go before it',
  },
  path: {
    schema: text,
    default: './data',
    argument: 'DIR',
    help: 'the folder of the repositories',
  },
  state: {
    schema: unsaidText,
    argument: 'DIR',
    help: 'the folder of what the gateway itself remembers; PATH/.lockkeeper where nothing is said',
  },
} satisfies OptionSpecs

export const serveOptions = {
  ...commonOptions,
  create: {
    schema: toggle,
    default: false,
    help: 'make the folders of --path and --state where they are not there; those above them must be',
  },
  ...listenerOptions,
  prometheus: {
    schema: toggle,
    default: false,
    help: 'serve figures for a monitor at /metrics, to whoever may come in; with --private-repos to the user "metrics" alone',
  },
  prometheusNoAuth: {
    schema: toggle,
    default: false,
    help: 'serve /metrics (with --prometheus) without asking who it is',
  },
  ...adminOptions,
  noVerifyUpload: {
    schema: toggle,
    default: false,
    help: 'taken for the sake of rest-server; uploads are verified all the same',
  },
  groupAccessibleRepos: {
    schema: toggle,
    default: false,
    help: 'let the group of the files read and write what is made from now on',
  },
  noWebdav: {
    schema: toggle,
    default: false,
    help: 'serve no WebDAV (it is under /-/dav/ otherwise)',
  },
  plainFiles: {
    schema: toggle,
    default: false,
    help: 'let WebDAV and --fuse keep other files beside the repositories: ordinary storage, not fenced',
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
    help: 'refuse packs and plain files once all together would have more bytes; 0 is no bound',
  },
  minFree: {
    schema: size,
    default: '256MiB',
    argument: 'SIZE',
    help: 'refuse packs once less would be left free on their disk (of a small one a twentieth); 0 is no floor',
  },
  stateReserve: {
    schema: size,
    default: '32MiB',
    argument: 'SIZE',
    help: 'keep so much of each disk (of a small one a twentieth) for the prune that makes room when it is full',
  },
  maxRepositories: {
    schema: count,
    default: '1000',
    argument: 'NUMBER',
    help: "make no more repositories than so many: below a user's folder with --private-repos, else all together; 0 is no bound",
  },
  maxRuns: {
    schema: count,
    default: '250',
    argument: 'NUMBER',
    help: 'let one user (or one address, without logins) have so many runs in a repository that have not ended; 0 is no bound',
  },
  maxLocks: {
    schema: count,
    default: '250',
    argument: 'NUMBER',
    help: 'let one user (or one address, without logins) have so many locks in a repository; 0 is no bound',
  },
  maxBufferedBodies: {
    schema: size,
    default: '32MiB',
    argument: 'SIZE',
    help: 'hold at most so many bytes of XML that is still being received, a quarter of them of one client',
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
  passwordFile: {
    schema: passwordFiles,
    isList: true,
    argument: 'REPO=FILE',
    help: 'a repository and the file with its password, so that its snapshots can be browsed below /-/browse/; several times for several',
  },
  log: {
    schema: unsaidText,
    argument: 'FILE',
    help: "a line for each request in Apache's combined format; - is stdout",
  },
  logLevel: {
    schema: z.enum(logLevels, `one of ${logLevels.join(', ')}`),
    default: 'info',
    argument: 'LEVEL',
    help: `${logLevels.join(', ')}; debug has a line for each request`,
  },
  debug: {
    schema: toggle,
    default: false,
    help: 'the same as --log-level debug',
  },
  logFormat: {
    schema: z.enum(logFormats, `one of ${logFormats.join(', ')}`).optional(),
    argument: 'FORMAT',
    help: 'json or pretty; pretty on a terminal where nothing is said, and json elsewhere',
  },
  cpuProfile: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'write what the CPU was used for, when the gateway ends, for the developer tools of a browser',
  },
} satisfies OptionSpecs
