/** The stories of a laptop that wakes after its view of the repository was overtaken: it is told, whatever it does. */
import { expectSuccess } from '../harness/world.js'
import { savedBy, type Sleeper } from '../harness/sleeper.js'
import type { Ended } from '../harness/child.js'
import type { Ending } from './ending.js'
import { prune, unlock, type Stage } from './stage.js'
import type { Story } from './story.js'

/** How it ends for a backup that one maintenance run has overtaken. */
export const overtaken = (stage: Stage, sleeper: Sleeper, ended: Ended): Ending => ({
  saved: [stage.newer, ...savedBy(sleeper, ended)],
  overtaken: [ended],
  generation: 2,
  quarantined: 'stale',
  // Before 0.17 restic tries ten times what was refused (RESTIC.md).
  ...(stage.version === '0.14' && stage.kind === 'gateway' ? { triesMin: 10 } : {}),
  journal: [
    { kind: 'deleted', generation: 2 },
    { kind: 'refused', verb: 'upload', reason: 'stale', generation: 1 },
  ],
})

const overtakenBy = (
  name: string,
  meanwhile: (stage: Stage) => Promise<void> | void,
): Story => ({
  name,
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    await unlock(stage)
    await meanwhile(stage)
    sleeper.child.wake()
    return overtaken(stage, sleeper, await sleeper.finish())
  },
})

const wakeAfterPrune = overtakenBy('wakes after a prune', prune)

const wakeWithLineCut = overtakenBy('wakes after a prune, its line cut', async (stage) => {
  await prune(stage)
  stage.line.cut()
})

const wakeElsewhere = overtakenBy(
  'wakes after a prune, under another address',
  async (stage) => {
    await prune(stage)
    stage.line.cut()
    stage.line.outgoing = '127.0.0.2'
  },
)

const wakeAfterRebuild = overtakenBy('wakes after the index was rebuilt', async (stage) => {
  await stage.run(...(stage.version === '0.14' ? ['rebuild-index'] : ['repair', 'index']))
})

const wakeAfterCrash = overtakenBy(
  'wakes after a prune and a crash of the gateway',
  async (stage) => {
    await stage.server.kill()
    await stage.server.start()
    await prune(stage)
    await stage.server.kill()
    await stage.server.start()
  },
)

/** All packs are there; the request that carries the index is lost with the line. */
const onlyIndexLeft: Story = {
  name: 'wakes after a prune with only its index left',
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    const index = stage.line.hold('POST index/')
    const finishing = sleeper.finish()
    await index.reached
    await sleeper.child.sleep()
    stage.line.cut()
    index.release()
    await unlock(stage)
    await prune(stage)
    sleeper.child.wake()
    return overtaken(stage, sleeper, await finishing)
  },
}

const newBackupBeside: Story = {
  name: 'wakes beside a new backup, which succeeds',
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    await unlock(stage)
    await prune(stage)
    const other = await stage.sleeper('other', await stage.newLine())
    sleeper.child.wake()
    const [ended] = await Promise.all([sleeper.finish(), other.finish()])
    const { saved, ...ending } = overtaken(stage, sleeper, ended)
    return {
      ...ending,
      saved: [...saved, ...savedBy(other, await expectSuccess(other.child))],
    }
  },
}

export const wakingStories: readonly Story[] = [
  wakeAfterPrune,
  wakeWithLineCut,
  wakeElsewhere,
  onlyIndexLeft,
  newBackupBeside,
  wakeAfterRebuild,
  wakeAfterCrash,
]
