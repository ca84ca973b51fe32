/** Knows how the options of the schema become flags of a command, and how what was given is read. */
import { Option, type Command } from 'commander'
import { environmentSource, flagsSource, loadSettings } from '../../config/load.js'
import {
  flagOf,
  variableOf,
  type OptionSpec,
  type OptionSpecs,
  type ValuesOf,
} from '../../config/option.js'

export function addOptions(command: Command, specs: OptionSpecs): Command {
  for (const [key, spec] of Object.entries(specs)) command.addOption(toOption(key, spec))
  return command
}

/** What flags, variables and defaults say together. Throws a SettingsError. */
export function settingsOf<S extends OptionSpecs>(command: Command, specs: S): ValuesOf<S> {
  return loadSettings(specs, [
    flagsSource(flagsOf(command, specs)),
    environmentSource(specs, process.env),
  ])
}

function toOption(key: string, spec: OptionSpec<unknown>): Option {
  const argument = spec.argument === undefined ? '' : ` <${spec.argument}>`
  const standard =
    spec.argument === undefined || spec.default === ''
      ? ''
      : `default: ${String(spec.default)}, `
  const help = `${spec.help} (${standard}env: ${variableOf(key)})`
  return new Option(`${flagOf(key)}${argument}`, help)
}

function flagsOf(command: Command, specs: OptionSpecs): Record<string, unknown> {
  const given = Object.entries(specs).flatMap(([key, spec]) => {
    const { name, value } = attributeOf(key, spec)
    if (command.getOptionValueSource(name) !== 'cli') return []
    const written: unknown = value ?? command.getOptionValue(name)
    return [[key, written] as const]
  })
  return Object.fromEntries(given)
}

/** Commander keeps `--no-auth` as the opposite of an option `auth`. */
function attributeOf(key: string, spec: OptionSpec<unknown>): { name: string; value?: true } {
  const option = toOption(key, spec)
  return { name: option.attributeName(), ...(option.negate ? { value: true } : {}) }
}
