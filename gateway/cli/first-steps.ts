/** Decides what a gateway that has just started proposes to try: what works with the settings in force, or nothing. */
import { basename, resolve } from 'node:path'
import type { GatewaySettings } from '../../config/gateway-settings.js'
import { clientAddress, isTriable } from '../program/client-address.js'
import type { Serving } from '../program/main.js'

/** How this program was started, as far as it says how to start it again. */
export interface Started {
  /** The path of the program. */
  readonly file: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** `lockkeeper`, `npx lockkeeper` or `node PATH`. */
export function commandOf({ file, environment }: Started): string {
  const { npm_lifecycle_event: script, npm_command: command } = environment
  if (script !== undefined || command === 'exec') return 'npx lockkeeper'
  return basename(file) === 'lockkeeper' ? 'lockkeeper' : `node ${quoted(file)}`
}

type Settings = Pick<GatewaySettings, 'state' | 'config'>

/** The lines, with an empty one at the end of each part. */
export function firstSteps(
  settings: Settings,
  serving: Omit<Serving, 'operators' | 'link'>,
  command: string,
): string[] {
  const { folder, repositories } = serving
  const { config, state } = settings
  const place =
    config === undefined
      ? `--path ${quoted(folder)}${state === undefined ? '' : ` --state ${quoted(resolve(state))}`}`
      : `--config ${quoted(resolve(config))}`
  const first = repositories > 0 ? holding(repositories) : trying(serving, command)
  const looks = [`  ${command} status ${place}`, `  ${command} ui ${place}`]
  return [...first, 'Look at it:', ...looks, '']
}

function holding(repositories: number): string[] {
  return [
    `It holds ${repositories === 1 ? 'a repository' : `${repositories} repositories`}.`,
    '',
  ]
}

function trying(
  serving: Pick<Serving, 'listeners' | 'mountFolder'>,
  command: string,
): string[] {
  const listener = serving.listeners.find(isTriable)
  const { mountFolder } = serving
  const mounted =
    mountFolder === undefined
      ? []
      : ['Try it on the mount:', `  restic -r ${quoted(`${mountFolder}/laptop`)} init`, '']
  if (listener === undefined) return mounted
  const { certificateFile, isPrivate } = listener
  const address = `rest:${clientAddress(listener)}/${isPrivate ? 'USER/' : ''}laptop`
  return [
    'Try it:',
    `  export RESTIC_REPOSITORY=${address}`,
    ...(certificateFile === undefined
      ? []
      : [`  export RESTIC_CACERT=${quoted(resolve(certificateFile))}`]),
    '  restic init',
    '  restic backup ~/Documents',
    'Better, with a fresh tag that says which run is writing:',
    `  ${command} run -- restic backup ~/Documents`,
    '',
    ...mounted,
  ]
}

function quoted(text: string): string {
  return /^[\w./:@%+=,~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
