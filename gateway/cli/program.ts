/** Knows all commands of the program. */
import { Command } from 'commander'
import { version } from '../program/version.js'
import { exitCodesHelp } from './exit-code.js'

const examples = `
Examples:
  $ lockkeeper serve --path /srv/restic
  $ lockkeeper status
  $ lockkeeper run -- restic -r rest:http://127.0.0.1:8000/laptop backup ~/Documents`

type AddCommand = (program: Command) => void

/** In the order of the help. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./serve.js')).addServe,
  config: async () => (await import('./config.js')).addConfig,
  doctor: async () => (await import('./doctor.js')).addDoctor,
  mount: async () => (await import('./mount.js')).addMount,
  run: async () => (await import('./run.js')).addRun,
  status: async () => (await import('./status.js')).addStatus,
  writers: async () => (await import('./status.js')).addWriters,
  quarantine: async () => (await import('./quarantine.js')).addQuarantine,
  journal: async () => (await import('./journal.js')).addJournal,
  fence: async () => (await import('./fence.js')).addFence,
  notify: async () => (await import('./notify.js')).addNotify,
  token: async () => (await import('./token.js')).addToken,
  ui: async () => (await import('./ui.js')).addUi,
}

/** With the command that is named first, so that nothing else is loaded for it; else with all of them. */
export async function createProgram(named = ''): Promise<Command> {
  const program = new Command('lockkeeper')
    .description(
      'A gateway for restic repositories that keeps a late writer from damaging them.',
    )
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'show what a command does and takes')
    .helpCommand('help [COMMAND]', 'show what a command does and takes')
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
  const wanted = Object.hasOwn(commands, named) ? [named] : Object.keys(commands)
  for (const name of wanted) (await commands[name]?.())?.(program)
  return program
}
