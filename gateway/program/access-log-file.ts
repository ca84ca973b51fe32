/** Knows where the access log goes, and how another program may move it away. */
import { pino } from 'pino'
import type { AccessLog } from '../http/access-log.js'
import { messageOf } from './fault.js'
import { StartError } from './start-error.js'

export interface AccessLogFile extends AccessLog {
  /** Goes on in a new file, if the old one was moved away. */
  readonly reopen: () => void
  readonly close: () => void
}

const stdout = 1
type Destination = ReturnType<typeof pino.destination>

/** Throws a StartError where the file cannot be written. */
export function openAccessLog(file: string): AccessLogFile {
  try {
    const destination = pino.destination({ dest: file === '-' ? stdout : file, sync: true })
    // A full disk, or a reader that has gone, is no reason to stop serving.
    destination.on('error', () => undefined)
    return {
      write: (line) => {
        destination.write(line)
      },
      reopen: () => reopen(destination, file),
      close: () => {
        if (file !== '-') destination.end()
      },
    }
  } catch (error) {
    throw new StartError(`--log ${file} cannot be written: ${messageOf(error)}`)
  }
}

function reopen(destination: Destination, file: string): void {
  if (file !== '-') destination.reopen()
}
