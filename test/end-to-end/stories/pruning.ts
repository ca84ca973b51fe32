/** The stories of a prune that is not alone: beside it somebody wakes, or backs up, or waits, or it sleeps itself. */
import { expectSuccess } from '../harness/world.js'
import { contentsOf, MIB, writeFiles } from '../harness/content.js'
import { savedBy } from '../harness/sleeper.js'
import { backUp, savedSnapshot } from '../harness/soundness.js'
import { prune, unlock, type Stage } from './stage.js'
import type { Story } from './story.js'
import { overtaken } from './waking.js'

const PRUNE = ['forget', '--keep-last', '1', '--prune'] as const

/** The prune has deleted a pack of the sleeper's, and has more to do. */
const wakeDuringPrune: Story = {
  name: 'wakes during a prune',
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    await unlock(stage)
    const line = await stage.newLine()
    const deletion = line.hold('DELETE data/', 'reply')
    const pruning = stage.start(PRUNE, line)
    await deletion.reached
    sleeper.child.wake()
    const ended = await sleeper.finish()
    deletion.release()
    await expectSuccess(pruning)
    return overtaken(stage, sleeper, ended)
  },
}

/** The prune has seen the repository and deleted nothing yet: the sleeper is first, and the prune is told. */
const wakeBeforePruneDeletes: Story = {
  name: 'wakes while a prune looks, and is first',
  play: async (stage) => {
    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    await unlock(stage)
    const line = await stage.newLine()
    const list = line.hold('GET data/', 'reply')
    const pruning = stage.start(PRUNE, line)
    await list.reached
    sleeper.child.wake()
    await sleeper.finish()
    const ended = await expectSuccess(sleeper.child)
    list.release()
    return {
      saved: [stage.newer, ...savedBy(sleeper, ended)],
      overtaken: [await stage.world.endOf(pruning)],
      generation: 1,
      quarantined: 'conflict',
      journal: [
        { kind: 'committed' },
        { kind: 'refused', verb: 'deletion', reason: 'conflict', generation: 1 },
      ],
    }
  },
}

/** The worst case: what the prune is about to delete, others have come to lean on. */
const sleepingPrune: Story = {
  name: 'a prune sleeps while others back up',
  play: async (stage) => {
    await stage.run('forget', '--keep-last', '1')
    const list = stage.line.hold('GET data/', 'reply')
    const pruning = stage.start(['prune'], stage.line)
    await list.reached
    await pruning.sleep()
    list.release()
    await unlock(stage)
    const other = await stage.backUp('other', 'with photos')
    pruning.wake()
    const ended = await stage.world.endOf(pruning)
    // Run again as it was told to; that it succeeds is what the generation says.
    await stage.start(['prune']).ended
    return {
      saved: [stage.newer, other],
      overtaken: [ended],
      generation: 2,
      journal: [
        { kind: 'refused', verb: 'deletion', reason: 'conflict', generation: 1 },
        { kind: 'deleted', generation: 2 },
      ],
    }
  },
}

/** restic waits for a lock since 0.16; before, its user does. */
const waitForPrune = async (stage: Stage, folder: string, goOn: () => Promise<void>) => {
  const start = (...flags: string[]) =>
    stage.world.restic(stage.version, ['-r', stage.url, 'backup', '.', ...flags], {
      cwd: folder,
    })
  if (stage.version !== '0.14') {
    const backup = start('--retry-lock', '5m')
    await backup.says(/already locked/)
    await goOn()
    return expectSuccess(backup)
  }
  const { code, stderr } = await start().ended
  if (code === 0 || !stderr.includes('locked')) throw new Error(`not locked: ${stderr}`)
  await goOn()
  return expectSuccess(start())
}

const patientClient: Story = {
  name: 'a patient client waits for a prune, then backs up',
  play: async (stage) => {
    const line = await stage.newLine()
    const deletion = line.hold('DELETE index/', 'reply')
    const pruning = stage.start(PRUNE, line)
    await deletion.reached
    const folder = stage.world.path('patient')
    await writeFiles(folder, 'patient', { diary: MIB })
    const ended = await waitForPrune(stage, folder, async () => {
      deletion.release()
      await expectSuccess(pruning)
    })
    const contents = await contentsOf(folder)
    return {
      saved: [stage.newer, { snapshot: savedSnapshot(ended) ?? '', contents }],
      overtaken: [],
      generation: 2,
      journal: [{ kind: 'deleted', generation: 2 }, { kind: 'opened' }, { kind: 'committed' }],
    }
  },
}

const ROUNDS = 3

const honestPrunes: Story = {
  name: 'honest prunes, one after another',
  play: async (stage) => {
    const files = stage.world.path('files')
    let saved = stage.newer
    for (let round = 1; round <= ROUNDS; round++) {
      // Half of what the round before added is needed no longer, so its packs are written anew.
      await writeFiles(files, `round ${round}`, { changes: MIB, [`added ${round}`]: MIB })
      saved = await backUp(stage.world, stage.version, stage.url, files)
      await prune(stage)
    }
    return {
      saved: [saved],
      overtaken: [],
      generation: 1 + ROUNDS,
      journal: Array.from({ length: ROUNDS }, (_, round) => ({
        kind: 'deleted',
        generation: round + 2,
      })),
    }
  },
}

export const pruningStories: readonly Story[] = [
  wakeDuringPrune,
  wakeBeforePruneDeletes,
  sleepingPrune,
  patientClient,
  honestPrunes,
]
