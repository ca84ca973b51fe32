/** Knows the command that looks for what would keep a gateway from doing its work. */
import type { Command } from 'commander'
import { loadGatewaySettings, type LoadedSettings } from '../../config/gateway-settings.js'
import { serveOptions } from '../../config/schema.js'
import { SettingsError } from '../../config/settings-error.js'
import { exitCodes } from './exit-code.js'
import { addOptions, askedBy } from './options.js'
import { print, printJson } from './output.js'
import type { Finding } from '../operate/doctor/finding.js'

const help = `
Give it the flags of "lockkeeper serve", or the same --config, and run it as the same user, with the gateway
running or not. It changes nothing but what "lockkeeper status" does too.

Fields of --json: findings[] {check, level, text}; level is ok, advice, warning or problem.

Examples:
  $ lockkeeper doctor --config /etc/lockkeeper.yaml
  $ lockkeeper doctor --path /srv/restic --json | jq -r '.findings[] | select(.level == "problem").text'

The exit code is 1 where there is a problem, and 2 where the settings cannot be used.`

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .summary('look for what would keep a gateway from its work')
    .description('Looks at rights, disk, clock, state, passwords, TLS files and proxies.')
    .option('--json', 'for programs')
    .addHelpText('after', help)
  addOptions(command, serveOptions).action(async () => {
    const isJson = command.opts<{ json?: true }>().json === true
    const findings = await findingsOn(() => loadGatewaySettings(askedBy(command, serveOptions)))
    if (isJson) await printJson({ findings })
    else await print(findings.map(lineOf).join(''))
    process.exitCode = exitCodeOf(findings)
  })
}

async function findingsOn(load: () => LoadedSettings): Promise<readonly Finding[]> {
  try {
    const loaded = load()
    // What asks for nothing starts without it.
    const { examine } = await import('../operate/doctor/examining.js')
    return await examine(loaded)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.problems.map((text) => ({ check: 'settings', level: 'problem', text }))
  }
}

function exitCodeOf(findings: readonly Finding[]): number {
  const problems = findings.filter(({ level }) => level === 'problem')
  if (problems.some(({ check }) => check === 'settings')) return exitCodes.usage
  return problems.length > 0 ? exitCodes.no : exitCodes.ok
}

const marks = { ok: 'ok', advice: 'ADVICE', warning: 'WARNING', problem: 'PROBLEM' } as const

function lineOf({ check, level, text }: Finding): string {
  return `${marks[level].padEnd(7)}  ${check.padEnd(11)}  ${text}\n`
}
