/** Knows what signals mean: the first asks for an orderly end, a second one ends at once, SIGHUP asks to read anew. */
import { constants } from 'node:os'
import { isatty } from 'node:tty'

const endingSignals = ['SIGTERM', 'SIGINT'] as const
const stdin = 0

export interface Signals {
  /** Resolves with the first signal that asks for the end. */
  readonly signalled: Promise<NodeJS.Signals>
  /** To be called once; a SIGHUP that came before calls back at once. */
  readonly onHangup: (callback: () => void) => void
}

/** From the call on, signals do not end the process by themselves. */
export function watchSignals(): Signals {
  let isSignalled = false
  let end: (signal: NodeJS.Signals) => void = () => undefined
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    end = resolve
  })
  for (const signal of endingSignals) {
    process.on(signal, () => {
      // Shells count the codes of processes that a signal ended from 128 on.
      if (isSignalled) process.exit(128 + constants.signals[signal])
      isSignalled = true
      end(signal)
    })
  }
  const hadTerminal = isatty(stdin)
  let isHungUp = false
  let callBack = (): void => {
    isHungUp = true
  }
  process.on('SIGHUP', () => {
    // The terminal that it was started on has been closed: nobody asks for anything to be read.
    if (hadTerminal && !isatty(stdin)) end('SIGHUP')
    else callBack()
  })
  return {
    signalled,
    onHangup: (callback) => {
      callBack = callback
      if (isHungUp) callback()
    },
  }
}
