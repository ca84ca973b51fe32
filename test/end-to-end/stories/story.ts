/** Knows what a story is, and how one is told from its beginning to its verdict. */
import type { ResticVersion } from '../harness/clients.js'
import type { World } from '../harness/world.js'
import { judge, type Ending, type Verdict } from './ending.js'
import { Stage, type ServerKind } from './stage.js'

export interface Story {
  readonly name: string
  /** Plays it; throws where a step fails that must succeed. */
  readonly play: (stage: Stage) => Promise<Ending>
}

export const tell = async (
  { play }: Story,
  world: World,
  version: ResticVersion,
  kind: ServerKind,
): Promise<Verdict> => {
  const stage = await Stage.set(world, version, kind)
  return judge(stage, await play(stage), kind)
}
