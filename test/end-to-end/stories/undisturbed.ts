/** The stories of those whom nothing overtook: they succeed as if nothing had happened. */
import { expectSuccess } from '../harness/world.js'
import { savedBy } from '../harness/sleeper.js'
import type { Saved } from '../harness/soundness.js'
import type { Ending } from './ending.js'
import { unlock, type Stage } from './stage.js'
import type { Story } from './story.js'

const undisturbed = (saved: readonly Saved[]): Ending => ({
  saved,
  overtaken: [],
  generation: 1,
  journal: [{ kind: 'opened' }, { kind: 'looked' }, { kind: 'committed' }],
})

const asleepDuring = (
  name: string,
  meanwhile: (stage: Stage) => Promise<readonly Saved[]>,
): Story => ({
  name,
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    const kept = await meanwhile(stage)
    sleeper.child.wake()
    await sleeper.finish()
    const ended = await expectSuccess(sleeper.child)
    return undisturbed([...kept, ...savedBy(sleeper, ended)])
  },
})

const unlocked = asleepDuring('unlocked, but not overtaken', async (stage) => {
  await unlock(stage)
  return [stage.older, stage.newer, await stage.backUp('other')]
})

const forgotten = asleepDuring('asleep during a forget without prune', async (stage) => {
  await unlock(stage)
  await stage.run('forget', '--keep-last', '1')
  return [stage.newer]
})

/** restic takes an upload back before it tries again; neither is maintenance. */
const lostAnswers: Story = {
  name: 'the answers to its index and its snapshot are lost',
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    const losses = [
      stage.line.loseReply('POST index/'),
      stage.line.loseReply('POST snapshots/'),
    ]
    await sleeper.finish()
    const ended = await expectSuccess(sleeper.child)
    await Promise.all(losses)
    return {
      ...undisturbed([stage.older, stage.newer, ...savedBy(sleeper, ended)]),
      journal: [{ kind: 'committed' }, { kind: 'retracted' }, { kind: 'retracted' }],
    }
  },
}

const killedWhileLive: Story = {
  name: 'the gateway is killed under a live backup, twice',
  play: async (stage) => {
    const { server, line } = stage
    const sleeper = await stage.sleeper()
    const pack = line.hold('POST data/')
    const index = line.loseReply('POST index/')
    const finishing = sleeper.finish()
    await pack.reached
    await server.kill()
    pack.release()
    await server.start()
    await index
    await server.kill()
    await server.start()
    await finishing
    const ended = await expectSuccess(sleeper.child)
    return undisturbed([stage.older, stage.newer, ...savedBy(sleeper, ended)])
  },
}

export const undisturbedStories: readonly Story[] = [
  unlocked,
  forgotten,
  lostAnswers,
  killedWhileLive,
]
