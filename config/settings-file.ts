/** Knows the YAML file of settings: the keys of the schema, and a list of listeners. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { z } from 'zod'
import type { Source } from './load.js'
import { SettingsError } from './settings-error.js'
import { readNotify, type NotifySettings } from './notify-settings.js'
import { readRepositories, type RepositorySettings } from './repository-settings.js'
import { nearest } from './nearest.js'
import { fileKeyOf, type OptionSpecs } from './option.js'

export interface SettingsFile {
  readonly source: Source
  /** One for each entry of `listeners`; undefined where the file has no such list. */
  readonly listeners: readonly Source[] | undefined
  readonly repositories: readonly RepositorySettings[]
  readonly notify: NotifySettings | undefined
}

export interface FileSpecs {
  readonly options: OptionSpecs
  readonly listenerOptions: OptionSpecs
}

const listenersKey = 'listeners'
const repositoriesKey = 'repositories'
const notifyKey = 'notify'
const bytesMax = 2 ** 20

const scalar = z.string()
const valueSchema = z.union([scalar, z.array(scalar)])
const mapping = z.record(z.string(), z.unknown())

/** Throws a SettingsError, also where the file cannot be read. */
export function readSettingsFile(file: string, specs: FileSpecs): SettingsFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new SettingsError([`the file of settings cannot be read: ${why}`])
  }
  return parseSettingsFile(text, file, specs)
}

/** Throws a SettingsError that names all problems. Values are not shown where a key is none of ours. */
export function parseSettingsFile(text: string, file: string, specs: FileSpecs): SettingsFile {
  const problems: string[] = []
  const root = mapping.safeParse(readYaml(text, file) ?? {})
  if (!root.success) throw new SettingsError([`${file}: its top must be keys with values`])
  const {
    [listenersKey]: list,
    [repositoriesKey]: keyed,
    [notifyKey]: told,
    ...values
  } = root.data
  // A file names no other file.
  const options = Object.fromEntries(
    Object.entries(specs.options).filter(([key]) => key !== 'config'),
  )
  const source = sourceOf(values, {
    file,
    specs: options,
    more: [listenersKey, repositoriesKey, notifyKey],
    problems,
  })
  const listeners = list === undefined ? undefined : entriesOf(list, file, specs, problems)
  const repositories = readPart(keyed, (one) => readRepositories(one, file), problems) ?? []
  const notify = readPart(told, (one) => readNotify(one, file), problems)
  if (problems.length > 0) throw new SettingsError(problems)
  return { source, listeners, repositories, notify }
}

function readPart<T>(
  written: unknown,
  read: (written: unknown) => T,
  problems: string[],
): T | undefined {
  try {
    return written === undefined ? undefined : read(written)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** Most commands are given no file, and start without this. */
function loadYaml(): typeof import('yaml') {
  return createRequire(import.meta.url)('yaml') as typeof import('yaml')
}

/** Every scalar stays as it was written, for the schema to read: `1.3` is no number here, and `no` no switch yet. */
function readYaml(text: string, file: string): unknown {
  if (text.length > bytesMax) throw new SettingsError([`${file} is too large`])
  const { LineCounter, parseDocument } = loadYaml()
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false, lineCounter })
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => {
    return `${file}, line ${lineCounter.linePos(pos[0]).line}: ${message}`
  })
  if (problems.length > 0) throw new SettingsError(problems)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new SettingsError([`${file}: ${error instanceof Error ? error.message : ''}`])
  }
}

function entriesOf(
  list: unknown,
  file: string,
  { listenerOptions }: FileSpecs,
  problems: string[],
): Source[] {
  const entries = z.array(mapping).min(1).safeParse(list)
  if (!entries.success) {
    problems.push(`${file}: ${listenersKey} must be a list of listeners, each with its keys`)
    return []
  }
  return entries.data.map((values, at) => {
    const name = `${file}: listener ${at + 1}`
    if (values.listen === undefined) problems.push(`${name} has no "listen", so it is nowhere`)
    return sourceOf(values, { file: name, specs: listenerOptions, more: [], problems })
  })
}

interface Reading {
  readonly file: string
  readonly specs: OptionSpecs
  readonly more: readonly string[]
  readonly problems: string[]
}

function sourceOf(written: Readonly<Record<string, unknown>>, reading: Reading): Source {
  const { file, specs, more, problems } = reading
  const keys = new Map(Object.keys(specs).map((key) => [fileKeyOf(key), key]))
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(written)) {
    const key = keys.get(name)
    if (key === undefined) {
      const meant = nearest(name, [...keys.keys(), ...more])
      const advice = meant === undefined ? '' : `; did you mean "${meant}"?`
      problems.push(`${file}: "${name}" is no setting here${advice}`)
    } else if (valueSchema.safeParse(value).success) values[key] = value
    else
      problems.push(
        `${file}: "${name}" has a value of its own shape; a word or a list is expected`,
      )
  }
  return { values, nameOf: (key) => `${file}: ${fileKeyOf(key)}` }
}
