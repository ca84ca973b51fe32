/** Stories of the REST door on mounts, one of each kind; `npm run stories -- --mount` tells all with both versions. */
import type { ResticVersion } from './harness/clients.js'
import { canMount, removeLeftMounts } from './harness/test-mount.js'
import { testWhere } from './harness/test-with.js'
import { World } from './harness/world.js'
import { mountStories } from './stories/all.js'
import { tell } from './stories/story.js'

removeLeftMounts()

/** restic 0.14 tries a refused write for 45 s, so it tells those of whom nobody is refused. */
const told: Readonly<Record<string, ResticVersion>> = {
  'wakes after a prune': '0.18',
  'wakes beside a new backup, which succeeds': '0.18',
  'wakes after a prune and a crash of the gateway': '0.18',
  'a prune sleeps while others back up': '0.18',
  'unlocked, but not overtaken': '0.14',
  'honest prunes, one after another': '0.14',
}

for (const [name, version] of Object.entries(told)) {
  testWhere(
    canMount,
    `restic-${version}`,
    'restic-0.18',
  )(`on a mount: ${name} (restic ${version})`, async (t) => {
    const story = mountStories.find((one) => one.name === name)
    if (story === undefined) throw new Error(`there is no story "${name}"`)
    const { problems } = await tell(story, await World.open(t), version, 'mount')
    t.deepEqual(problems, [])
  })
}
