/** All interleavings of two writers over the real core, with every crash point, judged by the model in every state. */
import test from 'ava'
import { data, index, snapshot } from '../fencing/world.js'
import { explore, type Setting, type Start } from './exploring.js'
import { Contents } from './model.js'
import { backupOf, prune, repairIndex, type Story } from './stories.js'

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

const pairs: readonly (readonly [string, readonly [Story, Story]])[] = [
  ['a sleeper and a prune', [backup, prune]],
  ['two prunes', [prune, prune]],
  ['a backup and a repair of the index', [backup, repairIndex]],
]

for (const [title, stories] of pairs) {
  for (const channels of ['known', 'new', 'hidden', 'tagged'] as const) {
    for (const crashes of [false, true]) {
      const setting: Setting = { channels, crashes, isLockRemoved: channels !== 'hidden' }
      const where = `channels: ${channels}${crashes ? ', the gateway dies at any point' : ''}`
      test.serial(`no order of ${title} damages the repository (${where})`, async (t) => {
        const found = await explore(start, stories, setting)
        t.log(`${found.histories} histories, ${found.states} states, ${found.refusals} refused`)
        t.is(found.damage, undefined)
        t.true(found.histories > 500)
        t.true(found.refusals > 0, 'a check that never sees a refusal checks nothing')
      })
    }
  }
}
