/** Knows the command that says what a gateway would run with, and where each setting comes from. */
import type { Command } from 'commander'
import { loadGatewaySettings, type LoadedSettings } from '../../config/gateway-settings.js'
import type { ListenerSettings } from '../../config/listener-settings.js'
import { formatListenPlace } from '../../config/listen-place.js'
import { SettingsError } from '../../config/settings-error.js'
import { fileKeyOf } from '../../config/option.js'
import { viewSettings } from '../operate/settings-view.js'
import { serveOptions } from '../../config/schema.js'
import { exitCodes } from './exit-code.js'
import { addOptions, askedBy } from './options.js'
import { columns, print, printJson } from './output.js'

const help = `
Flags go before LOCKKEEPER_* variables, these before the file, and the file before the defaults. Nothing is
opened but the file of settings; no password is ever shown.

Fields of --json: settings {KEY: {value, from}}, listeners[], warnings[]; problems[] where something is wrong.

Examples:
  $ lockkeeper config check --config /etc/lockkeeper.yaml
  $ lockkeeper config check --listen :8000 --json | jq .warnings

The exit code is 2 where a gateway would not start with these settings.`

export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .summary('say which settings are in force')
    .description('What can be asked about settings.')
  const command = config
    .command('check')
    .summary('say which settings are in force, and where each comes from')
    .description('Says which settings are in force, and where each comes from.')
    .option('--json', 'for programs')
    .addHelpText('after', help)
  addOptions(command, serveOptions).action(async () => {
    const { json: isJson } = command.opts<{ json?: true }>()
    try {
      const loaded = loadGatewaySettings(askedBy(command, serveOptions))
      if (isJson) await printJson(viewSettings(loaded))
      else await print(textOf(loaded))
    } catch (error) {
      if (!(error instanceof SettingsError) || !isJson) throw error
      await printJson({ problems: error.problems })
      process.exitCode = exitCodes.usage
    }
  })
}

function textOf({ settings, said, warnings }: LoadedSettings): string {
  const rows = Object.entries(said).map(([key, { written, from }]) => [
    fileKeyOf(key),
    textOfWritten(written),
    from ?? 'default',
  ])
  const listeners = settings.listeners.map((listener) => `  ${describeListener(listener)}\n`)
  const notes = warnings.map((warning) => `WARNING: ${warning}\n`)
  return [
    columns(['SETTING', 'VALUE', 'FROM'], rows),
    '\nListeners:\n',
    ...listeners,
    ...(notes.length > 0 ? ['\n', ...notes] : []),
  ].join('')
}

function textOfWritten(written: unknown): string {
  if (written === undefined || written === '') return '-'
  return Array.isArray(written)
    ? written.join(', ')
    : JSON.stringify(written).replace(/^"(.*)"$/, '$1')
}

export function describeListener(listener: ListenerSettings): string {
  const { place, tls, htpasswdFile, userHeader, byCertificate, trusted } = listener
  const ways = [
    ...(htpasswdFile === undefined ? [] : [`users of ${htpasswdFile}`]),
    ...(userHeader === undefined ? [] : [`users whom a proxy names in ${userHeader}`]),
    ...(byCertificate ? ['users with a certificate'] : []),
  ]
  const parts = [
    ways.length === 0 ? 'nobody is asked who it is' : ways.join(', '),
    listener.isAppendOnly ? 'append-only' : 'deletions allowed',
    ...(listener.isPrivate ? ['private repositories'] : []),
    ...(tls === undefined ? ['no TLS'] : [`TLS ${tls.versionMin} and later`]),
    ...(tls?.http2 === true ? ['HTTP/2'] : []),
    ...(trusted.length === 0 ? [] : [`${trusted.length} trusted proxy ranges`]),
    ...(listener.speaksProxyProtocol ? ['PROXY protocol'] : []),
  ]
  return `${formatListenPlace(place)}: ${parts.join('; ')}`
}
