/**
 * The stories of silence: restic closes its idle connections after 90 s, and comes back on new ones that say nothing of
 * whose they are. They take minutes, and little else.
 */
import { MIB, writeFiles } from '../harness/content.js'
import { savedBy } from '../harness/sleeper.js'
import { backUp } from '../harness/soundness.js'
import { expectSuccess } from '../harness/world.js'
import { prune, unlock, type Stage } from './stage.js'
import type { Story } from './story.js'

const IDLE_MS_MAX = 180_000

/** Uploads a pack, keeps silent until its connections are gone, and goes on. */
const backUpWithSilence = async (stage: Stage, seed: string) => {
  const line = await stage.newLine()
  const backup = await stage.sleeper(seed, line)
  await line.deserted(IDLE_MS_MAX)
  await backup.finish()
  return savedBy(backup, await expectSuccess(backup.child))
}

const silent: Story = {
  name: 'a backup idles until its connections are gone',
  play: async (stage) => ({
    saved: [stage.older, stage.newer, ...(await backUpWithSilence(stage, 'silent'))],
    overtaken: [],
    generation: 1,
    journal: [{ kind: 'opened' }, { kind: 'looked' }, { kind: 'committed' }],
  }),
}

/**
 * The dead one never ends, as far as the gateway can know. A connection that may be its is settled by the living one's
 * next lock refresh, five minutes after its start.
 */
const silentBesideDead: Story = {
  name: 'a backup was killed, another one idles before its index',
  play: async (stage) => {
    const dead = await stage.sleeper('dead')
    await dead.child.kill()
    await unlock(stage)
    await prune(stage)
    const saved = await backUpWithSilence(stage, 'living')
    const files = stage.world.path('files')
    await writeFiles(files, 'written anew', { letters: MIB })
    const newest = await backUp(stage.world, stage.version, stage.url, files)
    await prune(stage)
    return {
      saved: [newest, ...saved],
      overtaken: [],
      generation: 3,
      journal: [
        { kind: 'deleted', generation: 2 },
        { kind: 'committed' },
        { kind: 'deleted', generation: 3 },
      ],
    }
  },
}

export const idleStories: readonly Story[] = [silentBesideDead, silent]
