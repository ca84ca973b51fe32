/** Set-ups beside one run that sleeps or was killed, and that a prune may have overtaken. */
import { sentenceOf } from '../run.js'
import type { Held, Machine, Scene } from '../scene.js'
import type { Finale, Limits, SetUp } from '../set-up.js'
import { idleRoundOf, roundOf } from './together.js'

type How = 'asleep' | 'dead'

export const silence = async (scene: Scene, machine: Machine, how: How): Promise<Held> => {
  const held = await scene.hold(machine)
  if (how === 'asleep') {
    await held.run.child.sleep()
    return held
  }
  scene.leaveOut(held.run)
  held.run.child.signal('SIGKILL')
  await scene.end(held.run)
  return held
}

/** The prune that deletes what the silent run relies on: its packs, which no index names, and an index. */
export const overtake = async (scene: Scene, { run }: Held): Promise<void> => {
  scene.leaveOut(run)
  await scene.need(scene.admin, 'unlock', '--remove-all')
  const which = ['--keep-last', '1', '--group-by', 'host', '--max-unused', '0'] as const
  await scene.need(scene.admin, 'forget', ...which, '--prune')
}

/** Two snapshots, of which the older has something of its own. */
export const prepare = async (scene: Scene): Promise<void> => {
  for (let count = 0; count < 2; count++) await scene.backUp(scene.admin)
}

/** A sleeper that was not overtaken goes on as if nothing had happened. */
const waking =
  (held: Held): Finale =>
  async () => {
    held.run.child.wake()
    await held.finish()
  }

/** A sleeper that was overtaken is told so; rest-server lets it damage the repository. */
const beingTold =
  (scene: Scene, held: Held): Finale =>
  async () => {
    held.run.child.wake()
    const outcome = await held.finish()
    const { code, stderr } = outcome.ended
    if (scene.kind === 'gateway' && (code === 0 || !scene.toldWith.test(stderr)))
      scene.problems.push(`the sleeper was not told: ${sentenceOf(outcome)}`)
  }

const finaleOf = (scene: Scene, held: Held, how: How, isOvertaken: boolean) => {
  if (how === 'dead') return undefined
  return isOvertaken ? beingTold(scene, held) : waking(held)
}

interface Plan {
  readonly how: How
  readonly isOvertaken: boolean
  readonly work: 'short' | 'idle'
}

const worksOf = async (scene: Scene, { work }: Plan, rounds: number): Promise<void> => {
  const others = scene.machines(7).slice(1)
  for (let round = 0; round < rounds; round++) {
    if (work === 'idle') await idleRoundOf(scene, others.slice(0, 3))
    else for (let count = 0; count < 2; count++) await roundOf(scene, others)
  }
}

const planned = (name: string, what: string, limits: Limits, plan: Plan): SetUp => ({
  name,
  what,
  limits,
  play: async (scene, rounds) => {
    await prepare(scene)
    const [machine] = scene.machines(1)
    if (machine === undefined) throw new Error('no machine')
    const held = await silence(scene, machine, plan.how)
    if (plan.isOvertaken) await overtake(scene, held)
    await worksOf(scene, plan, rounds)
    return finaleOf(scene, held, plan.how, plan.isOvertaken)
  },
})

export const BESIDE: Limits = { heard: 0, failed: 'none', living: 1 }
export const BESIDE_OVERTAKEN: Limits = { putOffMaxMs: 5000, failed: 'none', living: 1 }
const IDLE_BESIDE_OVERTAKEN: Limits = {
  putOffMaxMs: 300_000,
  failed: 'none-but-0.14',
  living: 1,
}

const words: Readonly<Record<How, string>> = { asleep: 'asleep', dead: 'dead' }
const works = { short: '6 short backups at once', idle: '3 that idle 130 s' } as const

const plans: readonly Plan[] = [false, true].flatMap((isOvertaken) =>
  (['asleep', 'dead'] as const).flatMap((how) =>
    (['short', 'idle'] as const).map((work) => ({ how, isOvertaken, work })),
  ),
)

const limitsOf = ({ isOvertaken, work }: Plan): Limits => {
  if (!isOvertaken) return BESIDE
  return work === 'short' ? BESIDE_OVERTAKEN : IDLE_BESIDE_OVERTAKEN
}

export const silent: readonly SetUp[] = plans.map((plan) => {
  const { how, isOvertaken, work } = plan
  const overtaken = isOvertaken ? 'that a prune overtook' : 'that nothing overtook'
  return planned(
    [how, ...(isOvertaken ? ['overtaken'] : []), work].join('-'),
    `${works[work]} beside one ${words[how]} ${overtaken}`,
    limitsOf(plan),
    plan,
  )
})
