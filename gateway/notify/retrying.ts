/** Decides when what did not arrive is sent again: the schedule of Standard Webhooks, with jitter. */

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** After the first try, the second … */
const delaysMs = [
  5_000,
  5 * minuteMs,
  30 * minuteMs,
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hourMs),
] as const
const jitter = 0.2
/** Nobody may ask to be left alone for longer. */
export const waitMaxMs = 24 * hourMs

/** Undefined where it was tried often enough. `random` is from 0 to 1. */
export function delayAfter(tries: number, random: number): number | undefined {
  const delay = delaysMs[tries - 1]
  return delay === undefined ? undefined : Math.round(delay * (1 + jitter * random))
}

/** What `Retry-After` asks for: seconds, or a date. */
export function parseRetryAfter(text: string, now: number): number | undefined {
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), waitMaxMs)
}
