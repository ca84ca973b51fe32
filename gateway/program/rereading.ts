/** Knows what a running gateway takes of changed settings: what is safe to change under its clients. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { GatewaySettings } from '../../config/gateway-settings.js'
import { SettingsError } from '../../config/settings-error.js'
import { flagOf } from '../../config/option.js'
import type { AccessLogFile } from './access-log-file.js'
import type { Listeners } from './listeners.js'
import { levelOf } from './logger.js'

export interface RereadingOptions {
  readonly settings: GatewaySettings
  /** All settings as they are now. Throws a SettingsError. */
  readonly reread: () => GatewaySettings
  readonly listeners: Listeners
  readonly accessLog: AccessLogFile | undefined
  readonly logger: Logger
}

const taken: ReadonlySet<string> = new Set(['logLevel', 'debug'])

/** Reads passwords, certificates and the log's level anew, and says what would need a restart. */
export async function rereadSettings(options: RereadingOptions): Promise<void> {
  const { settings, reread, listeners, accessLog, logger } = options
  accessLog?.reopen()
  await listeners.reload()
  try {
    const next = reread()
    logger.level = levelOf(next)
    const waiting = changedIn(settings, next).filter((key) => !taken.has(key))
    if (waiting.length === 0) logger.info('settings read again')
    else logger.warn({ needRestart: waiting.map(nameOf) }, 'settings read again, not all taken')
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    logger.error({ problems: error.problems }, 'settings cannot be used; the last ones stay')
  }
}

function changedIn(before: GatewaySettings, after: GatewaySettings): string[] {
  const old = before as unknown as Readonly<Record<string, unknown>>
  return Object.entries(after).flatMap(([key, value]) =>
    isDeepStrictEqual(old[key], value) ? [] : [key],
  )
}

function nameOf(key: string): string {
  return ['listeners', 'admin', 'notify'].includes(key) ? key : flagOf(key)
}
