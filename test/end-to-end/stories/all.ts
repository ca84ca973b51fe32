/** Knows every story; those that take longest come first. */
import { idleStories } from './idle.js'
import { pruningStories } from './pruning.js'
import type { Story } from './story.js'
import { undisturbedStories } from './undisturbed.js'
import { wakingStories } from './waking.js'

export const stories: readonly Story[] = [
  ...idleStories,
  ...wakingStories,
  ...pruningStories,
  ...undisturbedStories,
]

/** On a folder restic takes no upload back, it writes it again; and a mount is never idle for its process. */
export const mountStories: readonly Story[] = [
  ...wakingStories,
  ...pruningStories,
  ...undisturbedStories,
].filter(({ name }) => !name.startsWith('the answers to its index'))
