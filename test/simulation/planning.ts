/** Makes a history's plan from its seed, steered so that every rule is reached in at least one history of a hundred. */
import { Dice } from './dice.js'
import type { Death, Illness } from './faults.js'
import {
  setups,
  type Command,
  type Incident,
  type Mishap,
  type Network,
  type Plan,
  type ProcessPlan,
} from './plan.js'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const days = 24 * hours
const years = 365 * days

type Weights = readonly (readonly [Command, number])[]

const roughWeights: Weights = [
  ['backup', 30],
  ['prune', 15],
  ['forget --prune', 13],
  ['repair index', 7],
  ['copy', 6],
  ['tool', 6],
  ['unlock --remove-all', 7],
  ['unlock', 3],
  ['tag', 4],
  ['forget', 3],
  ['snapshots', 2],
  ['monitor', 2],
  ['ls', 1],
  ['restore', 2],
  ['list locks', 1],
  ['check', 1],
  ['key add', 1.5],
  ['migrate', 1.5],
]

/** As machines that back up, somebody who looks after them, and a monitor send. */
const gentleWeights: Weights = [
  ['backup', 40],
  ['forget --prune', 8],
  ['prune', 4],
  ['monitor', 9],
  ['snapshots', 6],
  ['restore', 6],
  ['ls', 3],
  ['check', 3],
  ['copy', 4],
  ['unlock', 4],
  ['unlock --remove-all', 2],
  ['list locks', 2],
  ['tag', 2],
  ['forget', 3],
  ['repair index', 2],
  ['migrate', 1],
  ['key add', 1],
  ['tool', 1],
]

const sleepsMs = [45 * seconds, 10 * minutes, 40 * minutes, 9 * hours, 3 * days] as const
const pacesMs = [0, 200, 5 * seconds, 60 * seconds, 6 * minutes] as const

export function planOfSeed(seed: number): Plan {
  const dice = new Dice(seed, 'plan')
  const setup = setups[seed % setups.length] ?? 'shared'
  const windowMs = dice.pick([30 * seconds, 10 * minutes, 2 * hours, 12 * hours])
  const network = networkOfSeed(seed)
  const isRough = network === 'rough'
  const count = dice.whole(3, 6)
  const processes = Array.from({ length: count }, (_, at) => {
    return processOf(seed, network, at, dice.whole(0, windowMs))
  })
  if (dice.happens(isRough ? 0.5 : 0.15)) processes.push(...storyOfSleeper(seed, count, dice))
  if (dice.happens(isRough ? 0.05 : 0.3)) processes.push(...storyOfScript(seed, windowMs, dice))
  if (!isRough) {
    const troubles = { illnesses: [], deaths: [] }
    const incidents = network === 'restarted' ? restartsOf(dice, windowMs) : []
    return { seed, setup, network, quarantineBytesMax: 1e12, processes, incidents, troubles }
  }
  return {
    seed,
    setup,
    network,
    quarantineBytesMax: dice.happens(0.2) ? 70 : 1e12,
    processes,
    incidents: incidentsOf(dice, windowMs),
    troubles: { illnesses: illnessesOf(dice), deaths: deathsOf(dice) },
  }
}

/** Of twelve histories eight are rough, and one restarts, whatever their clients' set-up. */
export function networkOfSeed(seed: number): Network {
  const at = Math.floor(seed / setups.length) % 12
  if (at % 3 < 2) return 'rough'
  return at === 11 ? 'restarted' : 'gentle'
}

function restartsOf(dice: Dice, windowMs: number): Incident[] {
  return Array.from({ length: dice.whole(1, 2) }, () => {
    return { kind: 'restart', atMs: dice.whole(10 * seconds, windowMs + 5 * minutes), ms: 0 }
  })
}

/** The process of this number, whoever asks for it: a history that is too short goes on with further ones. */
export function processOf(
  seed: number,
  network: Network,
  id: number,
  startMs: number,
): ProcessPlan {
  const dice = new Dice(seed, 'process plan', id)
  const isRough = network === 'rough'
  const client = dice.whole(1, 3)
  const killedAt = dice.happens(isRough ? 0.07 : 0.03) ? { killedAt: dice.whole(2, 22) } : {}
  const version = dice.pick(['old', 'new', 'newest'] as const)
  return {
    id,
    command: commandOf(dice, isRough ? roughWeights : gentleWeights),
    startMs,
    client,
    version,
    paceMs: dice.pick(pacesMs),
    idles: dice.happens(isRough ? 0.1 : 0.25) ? [idleOf(dice)] : [],
    isCold: dice.happens(0.5),
    isPatient: version !== 'old' && dice.happens(0.45),
    usesFreshLines: isRough && dice.happens(0.06),
    isAppendOnly: dice.happens(0.03),
    sleeps: dice.happens(isRough ? 0.2 : 0.06) ? [sleepOf(dice, isRough)] : [],
    mishaps: isRough && dice.happens(0.5) ? mishapsOf(dice) : [],
    roams: isRough && dice.happens(0.08) ? [roamOf(dice)] : [],
    ...killedAt,
  }
}

/** Many unlock before each backup: Backrest, and scripts that run by night. */
function storyOfScript(seed: number, windowMs: number, dice: Dice): ProcessPlan[] {
  const firstId = 50
  const startMs = dice.whole(0, windowMs)
  const made = processOf(seed, networkOfSeed(seed), firstId, startMs)
  const { client, version } = made
  const commands = dice.pick([
    ['unlock', 'backup'],
    ['unlock', 'backup', 'forget --prune'],
    ['unlock', 'backup', 'unlock', 'backup'],
    ['backup', 'check', 'snapshots'],
  ] as const)
  return commands.map((command, at) => {
    const one = processOf(seed, networkOfSeed(seed), firstId + at, startMs)
    const after = at === 0 ? {} : { after: firstId + at - 1 }
    return { ...one, command, client, version, ...after }
  })
}

/** A backup falls asleep late, its lock is taken away, the repository is pruned, and it wakes up. */
function storyOfSleeper(seed: number, firstId: number, dice: Dice): ProcessPlan[] {
  const at = dice.whole(0, 20 * minutes)
  const ms = dice.happens(0.2) ? 15 * days : dice.pick([10 * minutes, 40 * minutes, 9 * hours])
  const network = networkOfSeed(seed)
  const isRough = network === 'rough'
  const sleeper: ProcessPlan = {
    ...processOf(seed, network, firstId, at),
    command: dice.pick([
      'backup',
      'backup',
      'backup',
      'prune',
      'forget --prune',
      'tool',
      'copy',
    ]),
    sleeps: [{ at: dice.whole(9, 20), ms, isCut: dice.happens(0.5) && isRough }],
  }
  const unlocking: ProcessPlan = {
    ...processOf(seed, network, firstId + 1, at + dice.whole(20 * seconds, 8 * minutes)),
    command: 'unlock --remove-all',
    sleeps: [],
  }
  const pruning: ProcessPlan = {
    ...processOf(seed, network, firstId + 2, unlocking.startMs + dice.whole(1 * seconds, ms)),
    command: dice.pick(['prune', 'forget --prune', 'repair index', 'backup']),
    sleeps: [],
  }
  return dice.happens(0.6) ? [sleeper, unlocking, pruning] : [sleeper, pruning]
}

function commandOf(dice: Dice, weights: Weights): Command {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
  let left = dice.throw() * total
  for (const [command, weight] of weights) {
    left -= weight
    if (left < 0) return command
  }
  return 'backup'
}

function sleepOf(dice: Dice, isRough: boolean): ProcessPlan['sleeps'][number] {
  const isCut = dice.happens(0.5) && isRough
  return { at: dice.whole(3, 20), ms: dice.pick(sleepsMs), isCut }
}

/** Past the 90 s after which its connections are closed. */
function idleOf(dice: Dice): ProcessPlan['idles'][number] {
  return { at: dice.whole(1, 4), ms: dice.pick([100, 130, 400]) * seconds }
}

function roamOf(dice: Dice): ProcessPlan['roams'][number] {
  return { at: dice.whole(2, 18), to: dice.whole(1, 3) }
}

function mishapsOf(dice: Dice): Mishap[] {
  return Array.from({ length: dice.whole(1, 3) }, () => {
    const kind = dice.pick([
      'unsent',
      'unanswered',
      'unanswered',
      'delayed',
      'duplicated',
      'broken',
      'garbled',
      'fresh',
    ] as const)
    const ms = dice.pick([0, 300, 5 * seconds, 1 * minutes, 4 * minutes])
    return { at: dice.whole(1, 26), kind, ms }
  })
}

function illnessesOf(dice: Dice): Illness[] {
  if (dice.happens(0.16)) {
    const ms = dice.whole(500, 20 * seconds)
    return [{ atCall: dice.whole(5, 300), calls: 80, kind: 'slow', ms }]
  }
  if (!dice.happens(0.2)) return []
  return Array.from({ length: dice.whole(1, 2) }, () => ({
    atCall: dice.whole(10, 600),
    calls: dice.pick([1, 2, 5, 30]),
    kind: dice.pick(['error', 'lost', 'full', 'slow'] as const),
    ms: dice.whole(10, 20 * seconds),
  }))
}

function deathsOf(dice: Dice): Death[] {
  if (!dice.happens(0.3)) return []
  return Array.from({ length: dice.whole(1, 2) }, () => ({
    atCall: dice.whole(10, 700),
    isDone: dice.happens(0.5),
    downMs: dice.pick([100, 5 * seconds, 3 * minutes]),
  }))
}

const incidentWeights: readonly (readonly [Incident['kind'], number])[] = [
  ['end a dead writer', 0.08],
  ['end a living writer', 0.01],
  ['raise the generation', 0.025],
  ['release a pack', 0.5],
  ['discard an item', 0.1],
  ['restart', 0.1],
  ['jump of the clock', 0.06],
  ['outside prune', 0.02],
]

function incidentsOf(dice: Dice, windowMs: number): Incident[] {
  return incidentWeights.flatMap(([kind, probability]): Incident[] => {
    if (!dice.happens(probability)) return []
    const ms = dice.pick([-30 * years, -5 * minutes, 5 * minutes, 20 * days, 40 * years])
    return [{ kind, atMs: dice.whole(10 * seconds, windowMs + 30 * minutes), ms }]
  })
}
