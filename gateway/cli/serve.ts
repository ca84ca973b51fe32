/** The command that serves a folder until a signal ends it. */
import type { Command } from 'commander'
import { loadGatewaySettings, type LoadedSettings } from '../../config/gateway-settings.js'
import { serveOptions } from '../../config/schema.js'
import { unoptimised } from '../program/heap.js'
import { printableLines } from '../program/printable.js'
import type { Serving } from '../program/main.js'
import { viewSettings } from '../operate/settings-view.js'
import { version } from '../program/version.js'
import { commandOf, firstSteps } from './first-steps.js'
import { addOptions, askedBy } from './options.js'

const examples = `
Examples:
  $ lockkeeper serve --path /srv/restic
  $ restic -r rest:http://127.0.0.1:8000/laptop init

  Let other machines in, whoever has a password, and let them delete nothing:
  $ htpasswd -B -c /srv/restic/.htpasswd laptop
  $ lockkeeper serve --path /srv/restic --listen :8000 --append-only

  With a file of settings, looked through first:
  $ lockkeeper config check --config /etc/lockkeeper.yaml
  $ lockkeeper serve --config /etc/lockkeeper.yaml

Signals:
  SIGTERM and SIGINT let requests end and stop the gateway within 10 s, exit code 0;
  a second one stops it at once. SIGHUP reads passwords, certificates and the level of the log
  again, and begins a new --log file.`

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('serve the repositories in a folder')
    .description('Serves the repositories in a folder to unmodified backup clients.')
    .version(version, '-v, --version', 'print the version')
    .addHelpText('after', examples)
  addOptions(command, serveOptions).action(async () => {
    const load = (): LoadedSettings => loadGatewaySettings(askedBy(command, serveOptions))
    const loaded = load()
    // The other commands start without these.
    const [{ createLogger, levelOf }, { runGateway }] = await unoptimised(() =>
      Promise.all([import('../program/logger.js'), import('../program/main.js')]),
    )
    const { settings } = loaded
    const logger = createLogger({ level: levelOf(settings), format: settings.logFormat })
    process.exitCode = await runGateway({
      settings,
      logger,
      reread: () => load().settings,
      shown: {
        settings: viewSettings(loaded),
        examine: async (admin) => {
          const { examine } = await import('../operate/doctor/examining.js')
          const close = async (): Promise<void> => undefined
          return examine(loaded, async () => ({ admin, isServed: true, close }))
        },
      },
      onServing: async (serving) => {
        process.stdout.write(printableLines(await banner(loaded, serving)))
      },
    })
  })
}

async function banner(
  { settings, warnings }: LoadedSettings,
  serving: Serving,
): Promise<string> {
  const { folder, listeners } = serving
  const notes = [...warnings, ...serving.warnings]
  const command = commandOf({ file: process.argv[1] ?? '', environment: process.env })
  return [
    ...listeners.map(
      ({ address, url: where = address, isAppendOnly }) =>
        `Lockkeeper serves ${folder} at ${where}${isAppendOnly ? ' (append-only)' : ''}`,
    ),
    '',
    ...firstSteps(settings, serving, command),
    ...(await wayInOf(serving)),
    ...notes.map((note) => `WARNING: ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ].join('\n')
}

/** Only for a person who has just typed it: whoever reads a service's log is not to come in by its link. */
async function wayInOf({ operators, link }: Serving): Promise<string[]> {
  const isTyped = process.env.npm_lifecycle_event === 'start' || process.stdout.isTTY
  if (operators.length === 0 || !isTyped) return []
  return [
    'Look at it in a browser, with a link that works once within a minute ("lockkeeper ui" makes another):',
    `  ${await link()}`,
    '',
  ]
}
