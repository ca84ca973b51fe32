/**
 * Joins the signal of one request with one that lives as long as the process, and lets go of both. `AbortSignal.any` leaves
 * some bytes on the longest-lived signal for ever, each time.
 */
import { setMaxListeners } from 'node:events'

export interface EitherSignal {
  /** Fires when one of them does. */
  readonly signal: AbortSignal
  /** To be called when nobody waits for it any more. */
  readonly release: () => void
}

export function eitherSignal(...signals: readonly AbortSignal[]): EitherSignal {
  const either = new AbortController()
  const fire = (): void => either.abort()
  // Many requests may wait at once, each with a listener.
  setMaxListeners(0, ...signals)
  const release = (): void => {
    for (const signal of signals) signal.removeEventListener('abort', fire)
  }
  for (const signal of signals) signal.addEventListener('abort', fire)
  if (signals.some(({ aborted }) => aborted)) fire()
  return { signal: either.signal, release }
}
