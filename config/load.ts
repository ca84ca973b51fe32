/** Knows how settings come together: of all places that name an option, the one nearest to the user counts. */
import {
  flagOf,
  variableOf,
  type OptionSpec,
  type OptionSpecs,
  type ValuesOf,
} from './option.js'
import { SettingsError } from './settings-error.js'

/** One place that settings come from, with the values as they were written. */
export interface Source {
  readonly values: Readonly<Record<string, unknown>>
  /** How the user knows the option there. */
  readonly nameOf: (key: string) => string
}

/** One option as it was said, and where; `from` is undefined for what is so by default. */
export interface Said {
  readonly written: unknown
  readonly from: string | undefined
}

export interface Resolved<S extends OptionSpecs> {
  readonly values: ValuesOf<S>
  readonly said: Readonly<Record<string, Said>>
}

export function flagsSource(values: Readonly<Record<string, unknown>>): Source {
  return { values, nameOf: flagOf }
}

/** An empty variable is as good as none. */
export function environmentSource(
  specs: OptionSpecs,
  environment: Readonly<Record<string, string | undefined>>,
): Source {
  const values = Object.keys(specs).flatMap((key) => {
    const value = environment[variableOf(key)]
    return value === undefined || value === '' ? [] : [[key, value] as const]
  })
  return { values: Object.fromEntries(values), nameOf: variableOf }
}

/** The sources in order, nearest first. Throws a SettingsError that names all problems. */
export function loadSettings<S extends OptionSpecs>(
  specs: S,
  sources: readonly Source[],
): ValuesOf<S> {
  return resolveSettings(specs, sources).values
}

/** As `loadSettings`, with where each value comes from. */
export function resolveSettings<S extends OptionSpecs>(
  specs: S,
  sources: readonly Source[],
): Resolved<S> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const said: Record<string, Said> = {}
  for (const [key, spec] of Object.entries(specs)) {
    const source = sources.find((one) => one.values[key] !== undefined)
    const written = source?.values[key] ?? spec.default
    const from = source?.nameOf(key)
    said[key] = { written, from }
    const result = readValue(spec, written)
    if ('value' in result) values[key] = result.value
    else problems.push(`${from ?? flagOf(key)} ${JSON.stringify(written)}: ${result.problem}`)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return { values: values as ValuesOf<S>, said }
}

function readValue(
  spec: OptionSpec<unknown>,
  written: unknown,
): { readonly value: unknown } | { readonly problem: string } {
  const result = spec.schema.safeParse(spec.isList === true ? listOf(written) : written)
  if (result.success) return { value: result.data }
  const messages = new Set(result.error.issues.map(({ message }) => message))
  return { problem: [...messages].join('; ') }
}

/** What was said several times, once with commas, or both. */
function listOf(written: unknown): unknown[] {
  const all: unknown[] = Array.isArray(written) ? written : [written]
  return all
    .filter((one) => one !== undefined)
    .flatMap((one) =>
      typeof one === 'string' ? one.split(',').map((part) => part.trim()) : [one],
    )
}
