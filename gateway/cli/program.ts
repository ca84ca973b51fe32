/** Knows all commands of the program. */
import { Command } from 'commander'
import { version } from '../version.js'
import { exitCodesHelp } from './exit-code.js'
import { addConfig } from './config.js'
import { addFence } from './fence.js'
import { addJournal } from './journal.js'
import { addMount } from './mount.js'
import { addQuarantine } from './quarantine.js'
import { addRun } from './run.js'
import { addServe } from './serve.js'
import { addStatus, addWriters } from './status.js'

const examples = `
Examples:
  $ lockkeeper serve --path /srv/restic
  $ lockkeeper status
  $ lockkeeper run -- restic -r rest:http://127.0.0.1:8000/laptop backup ~/Documents`

export function createProgram(): Command {
  const program = new Command('lockkeeper')
    .description(
      'A gateway for restic repositories that keeps a late writer from damaging them.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show what a command does and takes')
    .helpCommand('help [COMMAND]', 'show what a command does and takes')
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
  addServe(program)
  addConfig(program)
  addMount(program)
  addRun(program)
  addStatus(program)
  addWriters(program)
  addQuarantine(program)
  addJournal(program)
  addFence(program)
  return program
}
