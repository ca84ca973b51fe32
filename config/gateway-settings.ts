/** Turns flags, variables and the settings file into what a gateway runs with, and warns of what contradicts itself. */
import { existsSync } from 'node:fs'
import { adminOptions } from './admin-options.js'
import {
  adminContradictions,
  adminSettingsOf,
  adminWarnings,
  type AdminSettings,
} from './admin-settings.js'
import { listenerOptions } from './listener-options.js'
import {
  asksWho,
  listenerContradictions,
  listenersOf,
  type ListenerSettings,
} from './listener-settings.js'
import { formatListenPlace, isLocal } from './listen-place.js'
import {
  environmentSource,
  flagsSource,
  resolveSettings,
  type Said,
  type Source,
} from './load.js'
import { nearest } from './nearest.js'
import { describeNotify, type NotifySettings } from './notify-settings.js'
import { variableOf, type OptionSpecs, type ValuesOf } from './option.js'
import { commonOptions, observingWarning, serveOptions } from './schema.js'
import { mergeRepositories, type RepositorySettings } from './repository-settings.js'
import { SettingsError } from './settings-error.js'
import { readSettingsFile, type SettingsFile } from './settings-file.js'

type Values = ValuesOf<typeof serveOptions>

export interface GatewaySettings extends Omit<
  Values,
  keyof typeof listenerOptions | keyof typeof adminOptions | 'passwordFile'
> {
  /** How operators come in. */
  readonly admin: AdminSettings
  readonly listeners: readonly ListenerSettings[]
  /** Of the mount, which is no listener. */
  readonly appendOnly: boolean
  /** Those that the gateway has the password of. */
  readonly repositories: readonly RepositorySettings[]
  /** Who is told of what; only a file says it. */
  readonly notify?: NotifySettings
}

export interface Asked {
  /** By the keys of the schema, as they were written. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface LoadedSettings {
  readonly settings: GatewaySettings
  /** By key. Where a file lists listeners, what it says of each stands in `settings.listeners` only. */
  readonly said: Readonly<Record<string, Said>>
  /** What an operator should know about settings that are allowed. */
  readonly warnings: readonly string[]
}

/** Throws a SettingsError that names all problems that can be seen at once. */
export function loadGatewaySettings({ flags, environment }: Asked): LoadedSettings {
  const { sources, file } = sourcesOf(serveOptions, { flags, environment })
  const { values, said } = resolveSettings(serveOptions, sources)
  const { listeners, problems } = readListeners(values, sources, file, said)
  if (values.noWebdav && values.plainFiles) {
    problems.push(
      '--plain-files are served over WebDAV only; leave one of it and --no-webdav away',
    )
  }
  problems.push(...adminContradictions(values))
  if (problems.length > 0) throw new SettingsError(problems)
  const rest = Object.fromEntries(
    Object.entries(values).filter(
      ([key]) => !Object.hasOwn(listenerOptions, key) && !Object.hasOwn(adminOptions, key),
    ),
  ) as Omit<Values, keyof typeof listenerOptions | keyof typeof adminOptions>
  const repositories = mergeRepositories(values.passwordFile, file?.repositories ?? [])
  const admin = adminSettingsOf(values)
  const settings = {
    ...{ ...rest, admin, listeners },
    ...{ appendOnly: values.appendOnly, repositories },
    ...(file?.notify === undefined ? {} : { notify: file.notify }),
  }
  const warnings = [...unknownVariables(environment), ...warningsOn(settings)]
  return { settings, said: { ...said, ...saidOfNotify(file) }, warnings }
}

/** Shown without what lets anybody in. */
function saidOfNotify(file: SettingsFile | undefined): Record<string, Said> {
  if (file?.notify === undefined) return {}
  const from = file.source.nameOf('notify')
  return { notify: { written: describeNotify(file.notify), from } }
}

/** What commands need that only ask: the folders. */
export function loadFolders(asked: Asked): ValuesOf<typeof commonOptions> {
  return resolveSettings(commonOptions, sourcesOf(commonOptions, asked).sources).values
}

function sourcesOf(
  specs: OptionSpecs,
  { flags, environment }: Asked,
): { sources: Source[]; file: SettingsFile | undefined } {
  const near = [flagsSource(flags), environmentSource(specs, environment)]
  const { config } = resolveSettings({ config: commonOptions.config }, near).values
  if (config === undefined) return { sources: near, file: undefined }
  const file = readSettingsFile(config, { options: serveOptions, listenerOptions })
  return { sources: [...near, file.source], file }
}

/** Of a file's listeners each has what it says itself, and for the rest what holds for all. */
function readListeners(
  values: Values,
  sources: readonly Source[],
  file: SettingsFile | undefined,
  said: Readonly<Record<string, Said>>,
): { listeners: ListenerSettings[]; problems: string[] } {
  const { path } = values
  if (file?.listeners === undefined) {
    const listeners = listenersOf(values, path, existsSync)
    return { listeners, problems: listenerContradictions(values, listeners) }
  }
  const problems: string[] = []
  if (said.listen?.from !== undefined) {
    problems.push(
      `${said.listen.from} and the file's list of listeners both say where to listen; leave one of them away`,
    )
  }
  const listeners = file.listeners.flatMap((entry) => {
    try {
      const own = resolveSettings(listenerOptions, [entry, ...sources]).values
      const each = listenersOf(own, path, existsSync)
      const where = own.listen.map(formatListenPlace).join(', ')
      for (const problem of listenerContradictions(own, each))
        problems.push(`listener ${where}: ${problem}`)
      return each
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.push(...error.problems)
      return []
    }
  })
  return { listeners, problems }
}

/** restic refreshes its locks every 5 minutes. */
const lockTimeoutShortMs = 10 * 60_000
const writerAgeShortMs = 24 * 60 * 60_000

export function warningsOn(settings: GatewaySettings): string[] {
  const { listeners, lockTimeout, writerMaxAge, noVerifyUpload } = settings
  const { prometheus, prometheusNoAuth } = settings
  const warnings = listeners
    .filter((listener) => !asksWho(listener) && !isLocal(listener.place))
    .filter(({ tls }) => tls?.clientCaFile === undefined)
    .map(({ place, isAppendOnly }) => {
      const what = isAppendOnly ? 'read and add to' : 'read and change'
      return `--no-auth: whoever can reach ${formatListenPlace(place)} can ${what} all repositories`
    })
  if (settings.fencing === 'observe') warnings.unshift(observingWarning)
  warnings.push(...adminWarnings(settings.admin))
  if (settings.plainFiles) {
    warnings.push(
      '--plain-files: folders that are no repository are ordinary storage; nothing in them is fenced',
    )
  }
  if (noVerifyUpload) {
    warnings.push(
      '--no-verify-upload changes nothing: every name is checked against its bytes, since safety rests on it',
    )
  }
  if (prometheusNoAuth && !prometheus) {
    warnings.push('--prometheus-no-auth does nothing without --prometheus')
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

/** No error: where a service is named lockkeeper, orchestrators set variables that begin like ours. */
function unknownVariables(environment: Asked['environment']): string[] {
  const known = Object.keys(serveOptions).map(variableOf)
  return Object.keys(environment)
    .filter((name) => name.startsWith('LOCKKEEPER_') && !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known)
      return `the variable ${name} is not known${meant === undefined ? '' : `; did you mean ${meant}?`}`
    })
}
