/** Knows one run of restic on a line of its own, and how long that run was made to wait. */
import type { Child, Ended } from '../end-to-end/harness/child.js'
import type { ResticVersion } from '../end-to-end/harness/clients.js'
import type { Exchange } from '../end-to-end/harness/exchange.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'

export interface Run {
  /** restic's command: `backup`, `forget`. */
  readonly command: string
  readonly version: ResticVersion
  readonly child: Child
  /** Everything that it asked, and nobody else while it ran. */
  readonly line: Forwarder
  readonly startedAtMs: number
  /** Set once it has ended. */
  outcome?: Outcome
}

export interface Outcome {
  readonly ended: Ended
  readonly atMs: number
  /** True where this measure killed it: it was dead by intent, or it went on for too long. */
  readonly isKilled: boolean
}

export interface Waiting {
  /** How many of its requests were answered 503. */
  readonly heard: number
  readonly putOffMs: number
}

const nameOf = ({ method, path }: Exchange): string => `${method} ${path}`

const isFinal = ({ answer }: Exchange): boolean => answer !== undefined && answer.status !== 503

/**
 * The longest time from a request's first 503 to the final answer of the same request; what is never answered for good
 * is put off until the end.
 */
export const putOffMsOf = (exchanges: readonly Exchange[], endMs: number): number => {
  const putOff = exchanges.map((first, at) => {
    if (first.answer?.status !== 503) return 0
    const final = exchanges
      .slice(at)
      .find((later) => nameOf(later) === nameOf(first) && isFinal(later))
    return (final?.answer?.atMs ?? endMs) - first.answer.atMs
  })
  return Math.max(0, ...putOff)
}

/** Whether it was asked while it ran. */
const wasItsOwn =
  ({ startedAtMs, outcome }: Run) =>
  ({ askedMs }: Exchange): boolean =>
    askedMs >= startedAtMs && askedMs <= (outcome?.atMs ?? Number.POSITIVE_INFINITY)

export const hasUploadedPack = (run: Run): boolean =>
  run.line
    .all('POST data/')
    .filter(wasItsOwn(run))
    .some(({ answer }) => answer?.status === 200 || answer?.status === 201)

export const waitingOf = (run: Run): Waiting => {
  const exchanges = run.line.exchanges.filter(wasItsOwn(run))
  return {
    heard: exchanges.filter(({ answer }) => answer?.status === 503).length,
    putOffMs: putOffMsOf(exchanges, run.outcome?.atMs ?? performance.now()),
  }
}

/** The sentence that a failed run ends with. */
export const sentenceOf = ({ ended, isKilled }: Outcome): string => {
  const lines = ended.stderr.split('\n').filter((line) => line.trim() !== '')
  const told = lines.filter((line) => /Fatal|fenced|unable to create lock/.test(line)).at(-1)
  const last = told ?? lines.at(-1) ?? `exit ${ended.code ?? ended.signal ?? '?'}`
  return isKilled ? `too slow, killed; it last said: ${last}` : last
}

/** restic's own answer to a lock that it finds: no matter of the server. */
export const isLockedOut = ({ ended }: Outcome): boolean =>
  ended.code !== 0 && /already locked/.test(ended.stderr)
