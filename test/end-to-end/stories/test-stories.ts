/** Knows how AVA is told stories: each once, with the versions of restic taking turns. */
import { RESTIC_VERSIONS, type ResticVersion } from '../harness/clients.js'
import { testBesideWith, testWith } from '../harness/test-with.js'
import { World } from '../harness/world.js'
import { tell, type Story } from './story.js'

const [OLD, NEW] = RESTIC_VERSIONS

export interface Telling {
  /** The version that the first story is told with. */
  readonly first: ResticVersion
  /** Side by side, where stories mostly wait. */
  readonly isBeside?: boolean
}

/** The longest silence of all, and the time of a slow machine. */
const WAIT_MS_MAX = 10 * 60_000

export const testStories = (stories: readonly Story[], { first, isBeside }: Telling): void => {
  for (const [index, story] of stories.entries()) {
    const second = first === OLD ? NEW : OLD
    const version = index % 2 === 0 ? first : second
    const declare = isBeside === true ? testBesideWith : testWith
    declare(`restic-${version}`, 'restic-0.18')(
      `${story.name} (restic ${version})`,
      async (t) => {
        if (isBeside === true) t.timeout(WAIT_MS_MAX)
        const { problems } = await tell(story, await World.open(t), version, 'gateway')
        t.deepEqual(problems, [])
      },
    )
  }
}
