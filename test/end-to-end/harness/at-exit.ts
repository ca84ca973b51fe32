/** Knows what a test process clears away when it ends, however it ends. */

import { inspect } from 'node:util'

const duties: (() => void)[] = []

/** Does it when this process ends. What imports another's module comes after it: programs are killed before their files go. */
export const atExit = (duty: () => void): void => {
  duties.push(duty)
}

// What nobody caught is printed after the last listener below, which ends the process before.
process.on('uncaughtExceptionMonitor', (error) => {
  process.stderr.write(`${inspect(error)}\n`)
})

// Node 20 that ends by itself takes its handles down first, and was seen to spin there for ever (CleanupHandles);
// one that is told to end does not. No other listener of this event runs after that.
process.on('exit', (code) => {
  for (const duty of duties.splice(0)) duty()
  process.exit(code)
})
