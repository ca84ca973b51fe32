/** The real clock and the real randomness that the core is handed. */
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../../fencing/ports.js'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Of this process alone; what has a state goes on from there (running-time.ts).
  running: () => performance.now(),
  timer: (ms, callback) => {
    const timeout = setTimeout(callback, ms)
    return () => clearTimeout(timeout)
  },
}

export const systemRandom: Random = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
}
