/** Knows how the options of the schema become flags of a command, and how what was given is read. */
import { Option, type Command } from 'commander'
import type { Asked } from '../../config/gateway-settings.js'
import { flagOf, variableOf, type OptionSpec, type OptionSpecs } from '../../config/option.js'

export function addOptions(command: Command, specs: OptionSpecs): Command {
  for (const [key, spec] of Object.entries(specs)) command.addOption(toOption(key, spec))
  return command
}

/** What was typed, and what stands in the environment. */
export function askedBy(command: Command, specs: OptionSpecs): Asked {
  return { flags: flagsOf(command, specs), environment: process.env }
}

function toOption(key: string, spec: OptionSpec<unknown>): Option {
  const argument = spec.argument === undefined ? '' : ` <${spec.argument}>`
  const hasDefault =
    spec.argument !== undefined && spec.default !== undefined && spec.default !== ''
  const standard = hasDefault ? `default: ${String(spec.default)}, ` : ''
  const help = `${spec.help} (${standard}env: ${variableOf(key)})`
  const option = new Option(`${flagOf(key)}${argument}`, help)
  return spec.isList === true ? option.argParser(collect) : option
}

function collect(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? (before as string[]) : []), value]
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
