/** Decides how often a client usually commits a snapshot, and whether it is overdue. Dates are for people: nothing follows. */
import type { ClientSnapshots } from '../../../backends/record-search/question.js'
import type { ClientView } from './views.js'

/** Fewer say nothing about a habit. */
const gapsMin = 2
const hourMs = 60 * 60_000

export function viewClient(
  { repository, client, times }: ClientSnapshots,
  now: number,
): ClientView {
  const [last = 0] = times
  const usuallyMs = usualGapOf(times)
  const isOverdue = usuallyMs !== null && now - last > 2 * Math.max(usuallyMs, hourMs)
  return {
    ...{ repository, client, usuallyMs },
    lastSnapshot: new Date(last).toISOString(),
    overdue: isOverdue,
  }
}

/** The middle one, so that a holiday or an afternoon of trying out does not count. */
function usualGapOf(times: readonly number[]): number | null {
  const gaps = times.slice(1).map((time, at) => (times[at] ?? time) - time)
  if (gaps.length < gapsMin) return null
  return gaps.sort((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? null
}
