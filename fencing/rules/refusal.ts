/** Every reason to refuse, and the one sentence that each is told with: ASCII, at most 200 characters. */
import type { Generation, ItemId, Run, Verb } from '../journal/event.js'

/**
 * stale: another writer's maintenance overtook this one. conflict: the repository changed under a maintenance run.
 * unseen: the gateway did not see the run begin. ambiguous: nobody could tell, in time, who is writing.
 */
export type RefusalReason = 'stale' | 'conflict' | 'unseen' | 'ambiguous'

/** Why a write would have been refused or put off, had the gateway done more than observe. */
export type LetThroughReason = RefusalReason | 'knocked'

/** Refusals that need no fence: what was asked is wrong or not allowed, whoever asks. */
export type PlainReason =
  | 'wrong-hash'
  | 'exists'
  | 'append-only'
  | 'not-allowed'
  | 'linked'
  | 'too-large'
  | 'too-many'
  | 'no-repository'
  | 'no-space'
  | 'undecided'

export const sentenceCharactersMax = 200

export interface RefusalStory {
  readonly verb: Verb
  readonly reason: RefusalReason
  readonly generation: Generation
  readonly currentGeneration: Generation
  readonly run?: Run
  readonly item?: ItemId
  readonly isKept: boolean
}

export function refusalSentence(story: RefusalStory): string {
  return `${what(story)} ${fate(story)} ${advice(story)}`.replace(/ {2,}/g, ' ').trim()
}

function what(story: RefusalStory): string {
  const head = story.verb === 'upload' ? 'Write fenced:' : 'Deletion fenced:'
  switch (story.reason) {
    case 'stale': {
      const run = story.run
      const by = overtaker(run)
      const at = run?.generation ?? story.currentGeneration
      return `${head} ${by} (generation ${at}) overtook this run (generation ${story.generation}).`
    }
    case 'conflict':
      return `${head} the repository changed under this prune or repair.`
    case 'unseen':
      return `${head} this gateway did not see this run begin.`
    case 'ambiguous':
      return `${head} cannot tell which run this belongs to, and one of them may be overtaken.`
  }
}

function overtaker(run: Run | undefined): string {
  if (run?.isOutside === true) return 'a prune past this gateway'
  const isAnOperators = run !== undefined && run.by === undefined && run.isNobodys !== true
  return isAnOperators ? 'an operator' : 'a prune'
}

function fate(story: RefusalStory): string {
  if (story.item === undefined) return 'Nothing was changed.'
  return story.isKept
    ? `Kept as ${story.item}.`
    : `Noted as ${story.item}; quarantine full, bytes not kept.`
}

function advice(story: RefusalStory): string {
  switch (story.reason) {
    case 'stale':
      return story.verb === 'upload' ? 'Run the backup again.' : 'Run it again.'
    case 'conflict':
      return 'Run it again.'
    case 'unseen':
      return 'Start it again.'
    case 'ambiguous':
      return 'Run it again; a tag in the address avoids this.'
  }
}

/** Told with 503, to the person at the client: the same request on another channel, or a little later, may be sure. */
export const deferralSentence =
  'Waiting to learn which run this connection belongs to; nothing is lost. ' +
  'A tag in the address or a user for this machine avoids the wait.'

export const plainSentences: Readonly<Record<PlainReason, string>> = {
  'wrong-hash': 'The name is not the SHA-256 of the content.',
  exists: 'An object of this name exists with other content; it is never replaced.',
  'append-only': 'This address is append-only: only locks may be deleted.',
  'not-allowed': 'Not allowed.',
  linked:
    'This is reached over a symbolic link, which is not followed. Bind-mount the folder instead (mount --bind), or serve the folder that it leads to.',
  'too-large': 'This is larger than any config, key, lock, snapshot or index of restic is.',
  'too-many':
    'No more repositories, or runs or locks of one user, are allowed (--max-repositories, --max-runs, --max-locks). See the log of the gateway.',
  'no-repository': 'There is no repository here; "restic init" makes one.',
  'no-space': 'No space left for the repository or for the state of the gateway.',
  undecided:
    'The journal cannot be read or written, so nothing is committed. See the log of the gateway.',
}
