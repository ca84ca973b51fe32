/** All interleavings of two writers over the real core, with every crash point, judged by the model in every state. */
import test from 'ava'
import { data, index, snapshot } from '../fencing/world.js'
import { explore, type Setting, type Start } from './exploring.js'
import { Contents } from './model.js'
import { backupOf, prune, readerOfLocks, repairIndex, type Story } from './stories.js'

/** A pack that a snapshot uses, one that nothing uses any more but an index still names, and one that none names. */
const start: Start = {
  standing: [data('used'), data('garbage'), data('orphan'), index('0'), snapshot('0')],
  contents: () => {
    const contents = new Contents()
    contents.packs.set(data('used'), ['u'])
    contents.packs.set(data('garbage'), ['g'])
    contents.packs.set(data('orphan'), ['o'])
    contents.indexes.set(index('0'), [data('used'), data('garbage')])
    contents.snapshots.set(snapshot('0'), ['u'])
    return contents
  },
}

/** It leans on the blob that a prune deletes. */
const backup = backupOf(['u', 'g'])

type Channels = Setting['channels']

interface Pair {
  readonly title: string
  readonly stories: readonly [Story, Story]
  /** How many orders there are at least, by whose channels they come on: fewer would mean that something is left out. */
  readonly histories: Readonly<Partial<Record<Channels, number>>>
}

const pairs: readonly Pair[] = [
  {
    title: 'a sleeper and a prune',
    stories: [backup, prune],
    histories: { known: 10_000, second: 2_000, new: 4_500, hidden: 2_000, tagged: 10_000 },
  },
  {
    title: 'two prunes',
    stories: [prune, prune],
    histories: { known: 20_000, second: 3_500, new: 4_500, hidden: 3_500, tagged: 20_000 },
  },
  {
    title: 'a backup and a repair of the index',
    stories: [backup, repairIndex],
    histories: { known: 3_500, second: 500, new: 1_200, hidden: 500, tagged: 3_500 },
  },
  {
    title: 'a backup that reads locks and a prune',
    stories: [readerOfLocks(['u', 'g']), prune],
    histories: { second: 5_500 },
  },
]

for (const { title, stories, histories } of pairs) {
  for (const channels of ['known', 'second', 'new', 'hidden', 'tagged'] as const) {
    const least = histories[channels]
    if (least === undefined) continue
    for (const crashes of [false, true]) {
      const setting: Setting = { channels, crashes, isLockRemoved: channels !== 'hidden' }
      const where = `channels: ${channels}${crashes ? ', the gateway dies at any point' : ''}`
      test.serial(`no order of ${title} damages the repository (${where})`, async (t) => {
        const found = await explore(start, stories, setting)
        t.log(`${found.histories} histories, ${found.states} states, ${found.refusals} refused`)
        t.is(found.damage, undefined)
        t.true(found.histories >= least)
        t.true(found.refusals > 0, 'a check that never sees a refusal checks nothing')
      })
    }
  }
}
