/** Tells the story of an item in plain words: what came, why it was refused, and what can be done; for pages and commands. */
import { displayName } from '../admin/names.js'
import type { ItemView } from '../admin/views.js'
import { shortObject } from './short-object.js'

export function storyOf(item: ItemView): string {
  const { client, object, repository, tries, writer, candidates } = item
  const run = writer ?? (candidates.length === 0 ? 'a run that nobody knows' : 'a run')
  const often = tries > 1 ? `, ${tries} times` : ''
  return `${run} of ${client} tried to write ${whatIs(object)} (${shortObject(object)}) into ${displayName(repository)}${often}.`
}

/** What the object is for, as far as its name tells. */
function whatIs(object: string): string {
  const [type = ''] = object.split('/')
  const names: Readonly<Record<string, string>> = {
    data: 'a pack of file contents',
    index: 'an index, which says where contents lie',
    snapshots: 'a snapshot, the list of what was backed up',
    locks: 'a lock',
    keys: 'a key',
    config: 'the config',
  }
  return names[type] ?? 'an object'
}

export function whyOf(item: ItemView): string {
  const { reason, run, generation, currentGeneration } = item
  switch (reason) {
    case 'stale': {
      const by = run?.by ?? 'an operator, or use past the gateway'
      return (
        `It rests on a picture of the repository that is no longer true: the run looked at generation ${generation}, ` +
        `and since then ${by} has deleted packs or indexes (generation ${currentGeneration} is in force). ` +
        `Committed, it could name contents that are gone.`
      )
    }
    case 'conflict':
      return (
        'It belongs to a maintenance (a prune or a repair), and since that began another run has committed ' +
        'an index or a snapshot which it does not know of: it would delete what that run relies on.'
      )
    case 'unseen':
      return 'It came from a run that this gateway did not see begin, so nobody can say what it relies on.'
    case 'ambiguous':
      return (
        'It could not be told which of several runs sent it, and at least one of them was overtaken. ' +
        'A tag for each run ("lockkeeper run") keeps this from happening.'
      )
    default:
      return `The rule is: ${reason}.`
  }
}

export function whatNowOf({ state, kept, object }: ItemView): string {
  if (state === 'waiting') {
    return 'Nothing: its client tries again, until it is sure which run sent it.'
  }
  if (state !== 'quarantined') return `Nothing: it is ${state}.`
  const again =
    'Let the client run again: it saves what is new, and then this is not needed any more. Discard it.'
  if (!kept) return again
  if (object.startsWith('locks/')) return `${again} A lock is never released.`
  if (object.startsWith('data/')) {
    return `${again} Released, it is one pack more that nothing names: harmless, and the next prune may take it.`
  }
  return (
    `${again} Released, it becomes part of the repository, and may name contents that a prune has deleted: ` +
    'check the repository with it first.'
  )
}
