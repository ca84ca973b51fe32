/** Whom nothing overtook is not disturbed. */
import { undisturbedStories } from './undisturbed.js'
import { testStories } from './test-stories.js'

testStories(undisturbedStories, { first: '0.14' })
