/** Knows how signals end the gateway: the first asks for an orderly end, a second one ends it at once. */
import { constants } from 'node:os'

const endingSignals = ['SIGTERM', 'SIGINT'] as const

/** Resolves with the first signal. From the call on, signals do not end the process by themselves. */
export function firstSignal(): { readonly signalled: Promise<NodeJS.Signals> } {
  let isSignalled = false
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of endingSignals) {
      process.on(signal, () => {
        // Shells count the codes of processes that a signal ended from 128 on.
        if (isSignalled) process.exit(128 + constants.signals[signal])
        isSignalled = true
        resolve(signal)
      })
    }
  })
  return { signalled }
}
