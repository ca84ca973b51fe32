/** Decides how a command ends that a signal interrupts: the first asks it to tidy up, a second ends it at once. */

const signals = ['SIGINT', 'SIGTERM'] as const

/** To be called once. From the call on the first signal does not end the process, but aborts what is under way. */
export function watchInterruption(): AbortSignal {
  const ending = new AbortController()
  for (const signal of signals) {
    process.once(signal, () => {
      if (ending.signal.aborted) process.kill(process.pid, signal)
      else ending.abort(signal)
    })
  }
  return ending.signal
}
