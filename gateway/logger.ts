/** Knows how the log is written: to stderr, for eyes on a terminal and as JSON otherwise. */
import { pino, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { LogLevel } from '../config/schema.js'

const stderr = 2

export function createLogger(level: LogLevel, isTerminal = process.stderr.isTTY): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isTerminal ? terminal() : lines(),
  )
}

/** Synchronous, so that the last words of a process that stops are not lost. */
function lines(): pino.DestinationStream {
  const destination = pino.destination({ dest: stderr, sync: true })
  // Whoever read the log has gone; that is no reason to stop serving.
  destination.on('error', () => undefined)
  return destination
}

function terminal(): pino.DestinationStream {
  const destination = lines()
  const pretty = prettyFactory({
    colorize: process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss',
  })
  return { write: (line) => destination.write(pretty(line)) }
}
