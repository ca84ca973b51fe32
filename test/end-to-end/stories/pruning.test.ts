/** A prune that is not alone. */
import { pruningStories } from './pruning.js'
import { testStories } from './test-stories.js'

testStories(pruningStories, { first: '0.14' })
