/** Knows one round: the gateway dies under load by real restic, is started again, and nothing may be lost. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Draw } from '../fuzz/http-input.js'
import type { Child, Ended } from '../end-to-end/harness/child.js'
import { RESTIC_VERSIONS } from '../end-to-end/harness/clients.js'
import { contentsOf, writeFiles, type Contents } from '../end-to-end/harness/content.js'
import { brokenChainsOf } from '../end-to-end/harness/facts.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'
import { freePort, type Service } from '../end-to-end/harness/service.js'
import { savedSnapshot, soundness, type Saved } from '../end-to-end/harness/soundness.js'
import type { World } from '../end-to-end/harness/world.js'
import { acknowledged, halfWritten, missing, stagedIn } from './evidence.js'
import { describePlan, type Plan } from './plan.js'

export interface Context {
  readonly world: World
  readonly folder: string
  readonly port: number
  readonly line: Forwarder
}

export interface RoundReport {
  readonly plan: string
  /** False where the clients were done before the place was reached, and the gateway was killed idle. */
  readonly isReached: boolean
  /** How the clients ended: `backup ok` … */
  readonly ends: readonly string[]
  readonly acknowledged: number
  readonly problems: readonly string[]
}

interface Load {
  readonly act: 'backup' | 'prune'
  readonly child: Child
  readonly contents?: Contents
}

/** Old restic gives up after about a minute of tries, new restic goes on for 15. */
const patienceMs = 180_000

export const openScene = async (world: World): Promise<Context> => {
  const folder = await world.repository('0.18')
  const port = await freePort()
  return { world, folder, port, line: await world.forwarder({ port }) }
}

export const crashOnce = async (
  context: Context,
  { round, plan, draw }: { round: number; plan: Plan; draw: Draw },
): Promise<RoundReport> => {
  const { world, folder, port, line } = context
  const from = line.exchanges.length
  const dying = await start(context, plan)
  const load = dying === undefined ? [] : await startLoad(context, round, draw)
  const isReached = dying === undefined || (await die(dying, plan, load))
  const left = await stagedIn(world.repositories)
  const problems = [...(await halfWritten(folder))]
  const objects = acknowledged(line.exchanges.slice(from))
  problems.push(...(await missing(folder, objects)))

  const gateway = await world.gateway({ port, args: ['--log-level', 'warn'] })
  const kept = (await stagedIn(world.repositories)).filter((name) => left.includes(name))
  problems.push(...kept.map((name) => `staging still holds ${name}`))
  const ended = await Promise.all(load.map((one) => endOf(one)))
  await gateway.stop()
  problems.push(...(await stagedIn(world.repositories)).map((name) => `left staged: ${name}`))
  problems.push(...(await brokenChainsOf(world)))
  problems.push(...(await soundness(world, folder, savedBy(load, ended))))
  problems.push(...load.flatMap(({ act }, index) => untold(act, ended[index])))
  if (problems.length > 0) problems.push(`the gateway said:\n${gateway.child.output}`)
  return {
    plan: describePlan(plan),
    isReached,
    ends: load.map(({ act }, index) => `${act} ${outcomeOf(ended[index])}`),
    acknowledged: objects.length,
    problems,
  }
}

/** Undefined where it died before it listened, as some places do. */
const start = async ({ world, port }: Context, plan: Plan): Promise<Service | undefined> => {
  const env: Record<string, string> =
    plan.kind === 'place' ? { LOCKKEEPER_FAILPOINT: describePlan(plan) } : {}
  try {
    return await world.gateway({ port, env, args: ['--log-level', 'warn'] })
  } catch (error) {
    if (plan.kind === 'place' && String(error).includes('ended')) return undefined
    throw error
  }
}

/**
 * Two machines back up at once; every third round forgets and prunes instead. Each run has a tag: without one, runs of
 * one address that a crash interrupts at their locks are put off for minutes, as the soak shows.
 */
const startLoad = async (
  context: Context,
  round: number,
  draw: Draw,
): Promise<readonly Load[]> => {
  const { world, line } = context
  const address = (): string => line.url(`-/w/${randomUUID()}/repo`)
  if (round % 3 === 2) {
    const args = ['-r', address(), 'forget', '--keep-last', '1', '--prune']
    const flags = ['--group-by', 'paths', '--max-unused', '0']
    const child = world.restic('0.18', [...args, ...flags], { home: 'machine-1' })
    return [{ act: 'prune', child }]
  }
  const loads = RESTIC_VERSIONS.map(async (version, index): Promise<Load> => {
    const cwd = world.path('files', `machine-${index}`)
    await writeFiles(cwd, `${round}/${index}`, {
      [`file-${round % 4}`]: 200_000 + draw(1_500_000),
      small: 100,
    })
    const contents = await contentsOf(cwd)
    const args = ['-r', address(), 'backup', '.']
    const child = world.restic(version, args, { cwd, home: `machine-${index}` })
    return { act: 'backup', child, contents }
  })
  return Promise.all(loads)
}

/** Resolves when the gateway is dead, with whether it died where it was meant to. */
const die = async (dying: Service, plan: Plan, load: readonly Load[]): Promise<boolean> => {
  const done = Promise.all(load.map(({ child }) => child.ended)).then(() => false)
  const died =
    plan.kind === 'moment'
      ? delay(plan.afterMs).then(() => true)
      : dying.child.ended.then(() => true)
  const isReached = await Promise.race([died, done])
  await dying.kill()
  return isReached
}

const endOf = async ({ child }: Load): Promise<Ended> => {
  const limit = setTimeout(() => child.signal('SIGKILL'), patienceMs)
  try {
    return await child.ended
  } finally {
    clearTimeout(limit)
  }
}

const savedBy = (load: readonly Load[], ended: readonly Ended[]): readonly Saved[] =>
  load.flatMap(({ contents }, index) => {
    const end = ended[index]
    const snapshot = end?.code === 0 ? savedSnapshot(end) : undefined
    return snapshot === undefined || contents === undefined ? [] : [{ snapshot, contents }]
  })

const outcomeOf = (ended: Ended | undefined): string => {
  if (ended?.code === 0) return 'ok'
  return ended?.signal === 'SIGKILL' ? 'hung' : 'told'
}

/** A client must finish by its own tries or say why not. */
const untold = (act: string, ended: Ended | undefined): readonly string[] => {
  if (ended === undefined || ended.code === 0) return []
  if (ended.signal === 'SIGKILL') return [`${act} did not end: ${ended.stderr}`]
  const isTold = /fatal|error|fenced|unable/i.test(ended.stderr)
  return isTold ? [] : [`${act} ended with ${ended.code ?? '?'} and no word: ${ended.stderr}`]
}
