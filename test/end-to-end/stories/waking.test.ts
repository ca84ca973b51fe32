/** A laptop that wakes overtaken is told (restic 0.14 after its ten tries, 45 s). */
import { wakingStories } from './waking.js'
import { testStories } from './test-stories.js'

testStories(wakingStories, { first: '0.18' })
