/** Minutes of silence, side by side; the longest file, most of it spent waiting. */
import { idleStories } from './idle.js'
import { testStories } from './test-stories.js'

testStories(idleStories, { first: '0.14', isBeside: true })
