/** Counts over many histories: what was reached, and how often a client that nothing overtook was disturbed. */
import type { Verdict } from './history.js'
import { networks, setups, type Network, type Setup } from './plan.js'
import { wrongKinds, type WrongKind } from './rightful.js'
import type { Subject } from './subject.js'

/** Each must be reached by at least one history of a hundred in a rough network. */
export const required = [
  'rule 1: a lock took the view again',
  'rule 1: a view before unpublished commits',
  'event: narrowed',
  'the generation rose',
  'refused: conflict, upload',
  'refused: conflict, deletion',
  'refused: stale, upload',
  'refused: stale, deletion',
  'told: unseen',
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
  'a second opening',
  'objects were read side by side',
] as const

const leastShare = 0.01

/** I7 holds for all but so many of 1,000 runs in a gentle network: a few sleep at the one moment that leaves no proof. */
const wrongShareMax = 0.003
/** Fewer say nothing of the share. */
const judgedRunsMin = 1_000

export interface Disturbance {
  /** Processes that wrote and that nothing overtook. */
  healthy: number
  /** Those of them that saw a 503 because nobody could tell whose a request was. */
  knocked: number
  /** Those of them that were refused. */
  refused: number
  /** Those of them that gave up while they were put off. */
  givenUp: number
  /** The longest time of one of them from a 503 to the final answer. */
  longestMs: number
}

/** Runs that broke I7 in one way, and the first seeds of their histories. */
export interface Wrongdoing {
  runs: number
  /** How many runs of each command. */
  readonly commands: Record<string, number>
  seeds: number[]
}
const seedsMax = 5

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
  /** Those in a rough network, and what they reached. */
  rough: number
  readonly reached: Record<string, number>
  readonly disturbances: Record<Network, Record<Setup, Disturbance>>
  /** Of I7, in the gentle network. */
  readonly wrongs: Record<Setup, Record<WrongKind, Wrongdoing>>
  /** Runs that broke it in any way. */
  readonly wrongRuns: Record<Setup, number>
  readonly failures: Failure[]
}

export function newTally(): Tally {
  const none = (): Disturbance => {
    return { healthy: 0, knocked: 0, refused: 0, givenUp: 0, longestMs: 0 }
  }
  return {
    histories: 0,
    steps: 0,
    fewestSteps: Number.MAX_SAFE_INTEGER,
    fewestWriters: Number.MAX_SAFE_INTEGER,
    rough: 0,
    reached: {},
    disturbances: recordOf(networks, () => recordOf(setups, none)),
    wrongRuns: recordOf(setups, () => 0),
    wrongs: recordOf(setups, () =>
      recordOf(wrongKinds, () => ({ runs: 0, commands: {}, seeds: [] })),
    ),
    failures: [],
  }
}

function recordOf<K extends string, V>(keys: readonly K[], make: () => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make()])) as Record<K, V>
}

export function count(tally: Tally, seed: number, verdict: Verdict): void {
  tally.histories += 1
  tally.steps += verdict.steps
  const writers = verdict.subjects.filter(({ writes }) => writes > 0).length
  tally.fewestSteps = Math.min(tally.fewestSteps, verdict.steps)
  tally.fewestWriters = Math.min(tally.fewestWriters, writers)
  const { network, setup, reached } = verdict
  if (network === 'rough') {
    tally.rough += 1
    for (const one of reached) addTo(tally.reached, one, 1)
  }
  for (const subject of verdict.subjects) disturb(tally.disturbances[network][setup], subject)
  countWrongs(tally.wrongs[setup], seed, verdict)
  tally.wrongRuns[setup] += new Set(verdict.wrongs.map(({ subject }) => subject)).size
  if (verdict.violation !== undefined)
    tally.failures.push({ seed, violation: verdict.violation })
}

function countWrongs(
  wrongs: Record<WrongKind, Wrongdoing>,
  seed: number,
  verdict: Verdict,
): void {
  for (const kind of wrongKinds) {
    const all = verdict.wrongs.filter((wrong) => wrong.kind === kind)
    if (all.length === 0) continue
    const wrongdoing = wrongs[kind]
    for (const { command } of new Set(all.map(({ subject }) => subject))) {
      wrongdoing.runs += 1
      addTo(wrongdoing.commands, command, 1)
    }
    if (wrongdoing.seeds.length < seedsMax) wrongdoing.seeds.push(seed)
  }
}

function addTo(sums: Record<string, number>, key: string, part: number): void {
  sums[key] = (sums[key] ?? 0) + part
}

function disturb(disturbance: Disturbance, subject: Subject): void {
  if (subject.writes === 0 || subject.rightful > 0 || subject.isGivenUp) return
  disturbance.healthy += 1
  if (subject.knocks > 0) disturbance.knocked += 1
  if (subject.falseAlarms.length > 0) disturbance.refused += 1
  if (subject.hasGivenUp) disturbance.givenUp += 1
  disturbance.longestMs = Math.max(disturbance.longestMs, subject.longestMs)
}

export function add(into: Tally, from: Tally): void {
  into.histories += from.histories
  into.steps += from.steps
  into.fewestSteps = Math.min(into.fewestSteps, from.fewestSteps)
  into.fewestWriters = Math.min(into.fewestWriters, from.fewestWriters)
  into.rough += from.rough
  for (const [one, times] of Object.entries(from.reached)) {
    addTo(into.reached, one, times)
  }
  for (const setup of setups) {
    into.wrongRuns[setup] += from.wrongRuns[setup]
    for (const network of networks) {
      const [sum, part] = [into.disturbances[network][setup], from.disturbances[network][setup]]
      sum.healthy += part.healthy
      sum.knocked += part.knocked
      sum.refused += part.refused
      sum.givenUp += part.givenUp
      sum.longestMs = Math.max(sum.longestMs, part.longestMs)
    }
    for (const kind of wrongKinds) {
      const [sum, part] = [into.wrongs[setup][kind], from.wrongs[setup][kind]]
      sum.runs += part.runs
      for (const [command, runs] of Object.entries(part.commands)) {
        addTo(sum.commands, command, runs)
      }
      const seeds = [...sum.seeds, ...part.seeds].sort((one, other) => one - other)
      sum.seeds = seeds.slice(0, seedsMax)
    }
  }
  into.failures.push(...from.failures)
}

/** The share of runs that broke I7, where it is too large and there were enough of them to say so. */
export function wrongTooOften({ wrongRuns, disturbances }: Tally): number | undefined {
  const judged = setups.filter((setup) => setup !== 'hidden')
  const healthy = sum(judged.map((setup) => disturbances.gentle[setup].healthy))
  const broken = sum(judged.map((setup) => wrongRuns[setup]))
  if (healthy < judgedRunsMin || broken <= healthy * wrongShareMax) return undefined
  return broken / healthy
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

/** What was to be reached, and was not often enough. */
export function unreached(tally: Tally): string[] {
  return required.filter((one) => (tally.reached[one] ?? 0) < leastShare * tally.rough)
}

export function describe(tally: Tally): string {
  const reached = required.map((one) => {
    return `  ${share(tally.reached[one] ?? 0, tally.rough).padStart(9)}  ${one}`
  })
  const { histories, steps } = tally
  return [
    `${histories} histories, ${(steps / Math.max(1, histories)).toFixed(0)} requests each`,
    `At least ${tally.fewestSteps} requests and ${tally.fewestWriters} writers in every one`,
    ...(tally.rough === 0
      ? []
      : ['Reached, by share of histories in a rough network:', ...reached]),
    ...networks.flatMap((network) => [
      `False alarms in a ${network} network, by how clients are set up:`,
      ...setups.map((setup) => rowOf(setup, tally.disturbances[network][setup])),
    ]),
    'Runs that broke I7 in a gentle network, and the first seeds:',
    ...setups.flatMap((setup) => wrongRowsOf(tally, setup)),
  ].join('\n')
}

function rowOf(setup: Setup, disturbance: Disturbance): string {
  const { healthy, knocked, refused, givenUp, longestMs } = disturbance
  return [
    `  ${setup.padEnd(8)} ${String(healthy).padStart(8)} healthy runs`,
    `put off ${share(knocked, healthy)}`,
    `at most ${Math.round(longestMs / 1000)} s`,
    `refused ${share(refused, healthy)}`,
    `gave up ${share(givenUp, healthy)}`,
  ].join(', ')
}

function wrongRowsOf({ wrongs, disturbances }: Tally, setup: Setup): string[] {
  return wrongKinds.flatMap((kind) => {
    const { runs, commands, seeds } = wrongs[setup][kind]
    if (runs === 0) return []
    const most = Object.entries(commands).sort(([, one], [, other]) => other - one)
    const told = most.map(([command, times]) => `${command} ${times}`).join(', ')
    const part = share(runs, disturbances.gentle[setup].healthy)
    return [`  ${setup} ${kind}: ${runs} (${part}): ${told}; seeds ${seeds.join(' ')}`]
  })
}

function share(part: number, whole: number): string {
  return `${whole === 0 ? '-' : ((100 * part) / whole).toFixed(2)} %`
}
