/** Knows the command that serves a folder until a signal ends it. */
import type { Command } from 'commander'
import { SettingsError } from '../../config/load.js'
import {
  contradictionsIn,
  serveOptions,
  warningsOn,
  type ServeSettings,
} from '../../config/schema.js'
import type { Serving } from '../main.js'
import { addOptions, settingsOf } from './options.js'

const examples = `
Examples:
  $ lockkeeper serve --path /srv/restic
  $ restic -r rest:http://127.0.0.1:8000/laptop init

  Let other machines in, and let them delete nothing:
  $ lockkeeper serve --path /srv/restic --listen :8000 --no-auth --append-only

Signals:
  SIGTERM and SIGINT let requests end and stop the gateway within 10 s, exit code 0;
  a second one stops it at once.`

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('serve the repositories in a folder')
    .description('Serves the repositories in a folder to unmodified backup clients.')
    .addHelpText('after', examples)
  addOptions(command, serveOptions).action(async () => {
    const settings = settingsOf(command, serveOptions)
    const contradictions = contradictionsIn(settings)
    if (contradictions.length > 0) throw new SettingsError(contradictions)
    // The other commands start without these.
    const { createLogger } = await import('../logger.js')
    const { runGateway } = await import('../main.js')
    const logger = createLogger(settings.logLevel)
    process.exitCode = await runGateway(settings, logger, (serving) => {
      process.stdout.write(banner(settings, serving))
    })
  })
}

function banner(settings: ServeSettings, serving: Serving): string {
  const { folder, address = '', mountFolder, warnings } = serving
  const repository = `rest:http://${address}/laptop`
  const tagged = `rest:http://${address}/-/w/$(uuidgen)/laptop`
  const notes = [...warningsOn(settings), ...warnings]
  return [
    `Lockkeeper serves ${folder} at http://${address}/${settings.appendOnly ? ' (append-only)' : ''}`,
    '',
    'Try it:',
    `  export RESTIC_REPOSITORY=${repository}`,
    '  restic init',
    '  restic backup ~/Documents',
    'Better, with a tag that says which run is writing (see "lockkeeper run --help"):',
    `  export RESTIC_REPOSITORY=${tagged}`,
    '  restic backup ~/Documents',
    ...(mountFolder === undefined
      ? []
      : ['Or on the mount:', `  restic -r ${mountFolder}/laptop backup ~/Documents`]),
    'Look at it:',
    `  lockkeeper status --path ${folder}`,
    '',
    ...notes.map((note) => `WARNING: ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ].join('\n')
}
