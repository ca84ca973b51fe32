/** Knows what a set-up is, and how one is played and measured. */
import { setTimeout as delay } from 'node:timers/promises'
import { isLockedOut, sentenceOf, waitingOf, type Outcome, type Run } from './run.js'
import { Scene, type ServerKind } from './scene.js'
import type { World } from '../end-to-end/harness/world.js'

/** What rightful clients may be made to bear; what is not said here may be anything. */
export interface Limits {
  readonly heard?: number
  readonly putOffMaxMs?: number
  /** Of which versions no run may fail; `as-peer`: as many may as behind rest-server at the same time. */
  readonly failed: 'none' | 'none-but-0.14' | 'as-peer'
  /** How many runs still live a minute after: those that sleep, or were killed. */
  readonly living: number
}

/** What is done once the living were counted: the sleeper wakes. */
export type Finale = () => Promise<void>

export interface SetUp {
  readonly name: string
  readonly what: string
  readonly limits: Limits
  /** Throws where something fails that is no run's to bear. */
  readonly play: (scene: Scene, rounds: number) => Promise<Finale | undefined>
}

export interface Figures {
  readonly runs: number
  /** Runs that were answered 503 at least once. */
  readonly heard: number
  readonly putOffMs: number
  readonly failed: readonly string[]
  /** Runs that found a lock and said so: restic's own way. */
  readonly lockedOut: number
  readonly living: number
  /** What is wrong with the repository, or with the set-up. */
  readonly problems: readonly string[]
  readonly seconds: number
}

const SETTLE_MS = 60_000

/** How many runs live a minute after, or as soon as only the expected do. */
const settle = async (scene: Scene, expected: number, settleMs: number): Promise<number> => {
  const end = performance.now() + settleMs
  for (;;) {
    const living = await scene.living()
    if (living <= expected || performance.now() > end) return living
    await delay(1000)
  }
}

const check = async ({ world }: Scene): Promise<readonly string[]> => {
  const args = ['-r', `${world.repositories}/repo`, 'check', '--no-lock', '--no-cache']
  const { code, stderr } = await world.restic('0.19', args).ended
  return code === 0 ? [] : [`DAMAGED: ${stderr.slice(0, 500)}`]
}

type EndedRun = Run & { readonly outcome: Outcome }

const hasEnded = (run: Run): run is EndedRun => run.outcome !== undefined

/** A woken sleeper that was overtaken fails rightly; it is marked as not to count. */
export const figuresOf = (scene: Scene): Omit<Figures, 'living' | 'problems' | 'seconds'> => {
  const runs = scene.runs.filter((run) => !scene.isOutside(run)).filter(hasEnded)
  const waits = scene.runs.filter((run) => !scene.isOutside(run)).map(waitingOf)
  const failures = runs.filter(({ outcome }) => outcome.ended.code !== 0)
  const failed = failures.filter(({ outcome }) => !isLockedOut(outcome))
  return {
    runs: runs.length,
    heard: waits.filter(({ heard }) => heard > 0).length,
    putOffMs: Math.max(0, ...waits.map(({ putOffMs }) => putOffMs)),
    failed: failed.map(
      ({ version, command, outcome }) => `${version} ${command}: ${sentenceOf(outcome)}`,
    ),
    lockedOut: failures.length - failed.length,
  }
}

export interface Measuring {
  readonly rounds: number
  /** How many minutes a run may take from where the set-up waits for its end. */
  readonly patience: number
  /** How long finished runs may take to end. */
  readonly settleMs?: number
  readonly isLight?: boolean
  readonly mount?: boolean
}

export const measure = async (
  setUp: SetUp,
  world: World,
  kind: ServerKind,
  { rounds, patience, settleMs = SETTLE_MS, isLight = false, mount = false }: Measuring,
): Promise<Figures> => {
  const began = performance.now()
  const runMsMax = patience * 60_000
  const scene = await Scene.open(world, kind, { runMsMax, isLight, isMounted: mount })
  const problems: string[] = []
  let living = 0
  try {
    const finale = await setUp.play(scene, rounds)
    living = await settle(scene, setUp.limits.living, settleMs)
    if (finale !== undefined) {
      await finale()
      const left = await settle(scene, 0, settleMs)
      if (left > 0) problems.push(`${left} still live after the sleeper's end`)
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  if (kind === 'gateway') problems.push(...(await check(scene)), ...scene.problems)
  const seconds = Math.round((performance.now() - began) / 1000)
  return { ...figuresOf(scene), living, problems, seconds }
}
