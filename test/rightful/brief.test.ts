/** A short form of `npm run rightful`: what nobody rightful waits for, with real restic of three versions. */
import { ALL_RESTIC_VERSIONS } from '../end-to-end/harness/clients.js'
import { testWith } from '../end-to-end/harness/test-with.js'
import { World } from '../end-to-end/harness/world.js'
import { judge } from './judging.js'
import { measure, type SetUp } from './set-up.js'
import { unlockAndBackUp } from './set-ups/reading.js'
import { restartIn } from './set-ups/restarting.js'
import { BESIDE, BESIDE_OVERTAKEN, overtake, prepare, silence } from './set-ups/silent.js'
import { roundOf, UNDISTURBED } from './set-ups/together.js'

/** What fails is to fail soon. */
const MEASURING = { rounds: 1, patience: 0.5, settleMs: 20_000, isLight: true }

const testHere = testWith(...ALL_RESTIC_VERSIONS.map((version) => `restic-${version}` as const))

const briefly = ({ what, limits, play }: Omit<SetUp, 'name'>): void =>
  testHere(what, async (t) => {
    const world = await World.open(t)
    const setUp = { name: 'brief', what, limits, play }
    const figures = await measure(setUp, world, 'gateway', MEASURING)
    t.deepEqual(judge(figures, limits, undefined), [], figures.failed.join('\n'))
  })

briefly({
  what: '3 short backups at once, twice: none hears a 503, all have ended soon after',
  limits: UNDISTURBED,
  play: async (scene) => {
    for (let round = 0; round < 2; round++) await roundOf(scene, scene.machines(3))
    return undefined
  },
})

briefly({
  what: 'unlock, then backup, by each of 3 machines: none hears a 503',
  limits: UNDISTURBED,
  play: async (scene) => {
    for (const machine of scene.machines(3)) await unlockAndBackUp(scene, machine)
    return undefined
  },
})

briefly({
  what: 'the gateway starts again in the middle of 3 backups: none hears a 503',
  limits: UNDISTURBED,
  play: async (scene) => {
    await restartIn(scene, scene.machines(3), 'stop')
    return undefined
  },
})

for (const isOvertaken of [false, true])
  briefly({
    what: isOvertaken
      ? 'beside a dead run that a prune overtook 3 short backups are put off for seconds at most'
      : 'beside a dead run that nothing overtook none of 3 short backups hears a 503',
    limits: isOvertaken ? BESIDE_OVERTAKEN : BESIDE,
    play: async (scene) => {
      await prepare(scene)
      const [dying, ...others] = scene.machines(4)
      if (dying === undefined) throw new Error('no machine')
      const held = await silence(scene, dying, 'dead')
      if (isOvertaken) await overtake(scene, held)
      await roundOf(scene, others)
      return undefined
    },
  })
