/** Counts over many histories: what was reached, and how often a client that nothing overtook was disturbed. */
import type { Verdict } from './history.js'
import { setups, type Setup } from './plan.js'
import type { Subject } from './subject.js'

/** Each must be reached by at least one history of a hundred. */
export const required = [
  'rule 1: a lock took the view again',
  'rule 1: a view before unpublished commits',
  'event: owned',
  'the generation rose',
  'refused: conflict, upload',
  'refused: conflict, deletion',
  'refused: stale, upload',
  'refused: stale, deletion',
  'told: unseen',
  'refused: ambiguous, upload',
  'refused: ambiguous, deletion',
  'a lock deleted: fenced',
  'a lock deleted: ended',
  'rule 6: a lock was hidden',
  'rule 7: a sleeper finished',
  'rule 8: retracted, data',
  'rule 8: retracted, index',
  'rule 8: retracted, snapshots',
  'rule 9: the same bytes again',
  'told: knocked',
  'told: stale',
  'told: conflict',
  'told: ambiguous',
  'told: wrong-hash',
  'told: append-only',
  'told: no-space',
  'told: undecided',
  'committed as unknown',
  'a knocked upload was committed later',
  'a look of one of several',
  'ended: unlocked',
  'ended: closed',
  'ended: operator',
  'ended: silence',
  'event: revived',
  'event: fenced',
  'event: outside',
  'event: discarded',
  'event: released',
  'the quarantine was full',
  'recovery carried something out',
  'the gateway died',
  'a client slept',
  'a client was killed',
  'store: error',
  'store: lost',
  'store: full',
  'store: slow',
  'mishap: unanswered',
  'mishap: delayed',
  'mishap: duplicated',
  'mishap: broken',
  'mishap: garbled',
  'mishap: fresh',
  'a client roamed',
] as const

const leastShare = 0.01

export interface Disturbance {
  /** Processes that wrote and that nothing overtook. */
  healthy: number
  /** Those of them that saw a 503 because nobody could tell whose a request was. */
  knocked: number
  /** Those of them that were refused. */
  refused: number
}

export interface Failure {
  readonly seed: number
  readonly violation: string
}

export interface Tally {
  histories: number
  steps: number
  /** Of all histories the fewest, of requests and of processes that wrote something. */
  fewestSteps: number
  fewestWriters: number
  readonly reached: Record<string, number>
  readonly disturbances: Record<Setup, Disturbance>
  readonly failures: Failure[]
}

export function newTally(): Tally {
  const none = (): Disturbance => ({ healthy: 0, knocked: 0, refused: 0 })
  const disturbances = Object.fromEntries(setups.map((setup) => [setup, none()]))
  return {
    histories: 0,
    steps: 0,
    fewestSteps: Number.MAX_SAFE_INTEGER,
    fewestWriters: Number.MAX_SAFE_INTEGER,
    reached: {},
    disturbances: disturbances as Record<Setup, Disturbance>,
    failures: [],
  }
}

export function count(tally: Tally, seed: number, verdict: Verdict): void {
  tally.histories += 1
  tally.steps += verdict.steps
  const writers = verdict.subjects.filter(({ writes }) => writes > 0).length
  tally.fewestSteps = Math.min(tally.fewestSteps, verdict.steps)
  tally.fewestWriters = Math.min(tally.fewestWriters, writers)
  for (const one of verdict.reached) tally.reached[one] = (tally.reached[one] ?? 0) + 1
  for (const subject of verdict.subjects) disturb(tally.disturbances[verdict.setup], subject)
  if (verdict.violation !== undefined)
    tally.failures.push({ seed, violation: verdict.violation })
}

function disturb(disturbance: Disturbance, subject: Subject): void {
  if (subject.writes === 0 || subject.rightful > 0 || subject.isGivenUp) return
  disturbance.healthy += 1
  if (subject.knocks > 0) disturbance.knocked += 1
  if (subject.falseAlarms.length > 0) disturbance.refused += 1
}

export function add(into: Tally, from: Tally): void {
  into.histories += from.histories
  into.steps += from.steps
  into.fewestSteps = Math.min(into.fewestSteps, from.fewestSteps)
  into.fewestWriters = Math.min(into.fewestWriters, from.fewestWriters)
  for (const [one, times] of Object.entries(from.reached)) {
    into.reached[one] = (into.reached[one] ?? 0) + times
  }
  for (const setup of setups) {
    const [sum, part] = [into.disturbances[setup], from.disturbances[setup]]
    sum.healthy += part.healthy
    sum.knocked += part.knocked
    sum.refused += part.refused
  }
  into.failures.push(...from.failures)
}

/** What was to be reached, and was not often enough. */
export function unreached(tally: Tally): string[] {
  return required.filter((one) => (tally.reached[one] ?? 0) < leastShare * tally.histories)
}

export function describe(tally: Tally): string {
  const share = (part: number, whole: number): string => {
    return `${whole === 0 ? '-' : ((100 * part) / whole).toFixed(2)} %`
  }
  const reached = required.map((one) => {
    return `  ${share(tally.reached[one] ?? 0, tally.histories).padStart(9)}  ${one}`
  })
  const disturbances = setups.map((setup) => {
    const { healthy, knocked, refused } = tally.disturbances[setup]
    const name = setup.padEnd(8)
    const [put, no] = [share(knocked, healthy), share(refused, healthy)]
    return `  ${name} ${String(healthy).padStart(8)} healthy runs, put off ${put}, refused ${no}`
  })
  const { histories, steps } = tally
  return [
    `${histories} histories, ${(steps / Math.max(1, histories)).toFixed(0)} requests each`,
    `At least ${tally.fewestSteps} requests and ${tally.fewestWriters} writers in every one`,
    'Reached, by share of histories:',
    ...reached,
    'False alarms, by how clients are set up:',
    ...disturbances,
  ].join('\n')
}
