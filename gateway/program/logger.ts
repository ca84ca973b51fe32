/** Knows how the log is written: to stderr, for eyes on a terminal and as JSON otherwise. */
import { createRequire } from 'node:module'
import { pino, type Logger } from 'pino'
import { printableLines } from './printable.js'
import type { LogFormat, LogLevel } from '../../config/schema.js'

const stderr = 2

export interface LoggerOptions {
  readonly level: LogLevel
  /** By what stderr is, where nothing is said. */
  readonly format?: LogFormat | undefined
}

export function createLogger({ level, format }: LoggerOptions): Logger {
  const isPretty = format === undefined ? process.stderr.isTTY : format === 'pretty'
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? pretty() : lines(),
  )
}

/** `--debug` is rest-server's name for a level; a level that says more stays. */
export function levelOf(settings: {
  readonly logLevel: LogLevel
  readonly debug: boolean
}): LogLevel {
  const { logLevel, debug } = settings
  return debug && logLevel !== 'trace' ? 'debug' : logLevel
}

/** Synchronous, so that the last words of a process that stops are not lost. */
function lines(): { write: (line: string) => void } {
  const destination = pino.destination({ dest: stderr, sync: true })
  // Whoever read the log has gone; that is no reason to stop serving.
  destination.on('error', () => undefined)
  return { write: (line) => void destination.write(printableLines(line)) }
}

/** A service logs lines of JSON, and starts without this. */
function loadPretty(): typeof import('pino-pretty') {
  return createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
}

/** The formatter would undo what is escaped, and adds escapes of its own for colours. */
function readable(line: string): object {
  return JSON.parse(line, (_key, value: unknown) =>
    typeof value === 'string' ? printableLines(value) : value,
  ) as object
}

function pretty(): pino.DestinationStream {
  const destination = lines()
  const format = loadPretty().prettyFactory({
    colorize: process.stderr.isTTY && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss',
  })
  return { write: (line) => destination.write(format(readable(line))) }
}
