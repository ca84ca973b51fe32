/** The stories of the sleeper once more, with restic behind rclone at the WebDAV door. */
import { testWith } from '../harness/test-with.js'
import type { ResticVersion } from '../harness/clients.js'
import { World } from '../harness/world.js'
import { stories } from './all.js'
import { tell } from './story.js'

/** `npm run stories -- --webdav` tells all of them. */
const told: readonly (readonly [string, ResticVersion])[] = [
  ['wakes after a prune', '0.18'],
  ['a prune sleeps while others back up', '0.14'],
  ['unlocked, but not overtaken', '0.18'],
]

for (const [name, version] of told) {
  const story = stories.find((one) => one.name === name)
  if (story === undefined) throw new Error(`there is no story "${name}"`)
  testWith(`restic-${version}`, 'rclone')(
    `through rclone: ${name} (restic ${version})`,
    async (t) => {
      const world = await World.open(t)
      world.speaks = 'webdav'
      const { problems } = await tell(story, world, version, 'gateway')
      t.deepEqual(problems, [])
    },
  )
}
