/** Knows how to wait: for a condition, with a deadline, never for a time that is hoped to be enough. */
import { setTimeout as delay } from 'node:timers/promises'

/** Soon after a beginning, and then ever more seldom: who polls takes processor time from what is polled. */
const POLL_MS_MIN = 10
const POLL_MS_MAX = 250
const POLL_SHARE = 0.1
/** Long, for a machine that does much else; who waits for a condition that comes does not wait longer. */
const DEADLINE_MS = 240_000

/**
 * Resolves with the first answer of `probe` that is neither undefined nor false; fails after the deadline, naming
 * what was waited for (`what` is asked then, so that it can tell the latest state).
 */
export const eventually = async <T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> => {
  const began = performance.now()
  const end = began + deadlineMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > end) {
      const name = typeof what === 'string' ? what : what()
      throw new Error(`waited ${deadlineMs} ms in vain for ${name}`)
    }
    const waitedMs = performance.now() - began
    await delay(Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, POLL_SHARE * waitedMs)))
  }
}

/** A promise and the way to resolve it from outside (`Promise.withResolvers`, which Node 20 lacks). */
export const openPromise = <T>(): { promise: Promise<T>; resolve: (value: T) => void } => {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
