/** The soak itself, for a moment only: that it ends, that something happened, and that nothing was lost. */
import { testWith } from '../end-to-end/harness/test-with.js'
import { World } from '../end-to-end/harness/world.js'
import { soak } from './soak.js'

testWith('restic-0.14', 'restic-0.18')(
  'a quarter of a minute of soak loses nothing',
  async (t) => {
    t.timeout(5 * 60_000)
    const world = await World.open(t)
    const report = await soak(world, { minutes: 0.25, clients: 3, seed: 1, isJson: true })
    t.log(JSON.stringify({ ...report.acts, ...report.disturbances }))
    t.deepEqual(report.problems, [])
    t.true((report.acts['backup ok'] ?? 0) > 0, JSON.stringify(report))
    t.true(Object.keys(report.disturbances).length > 1, JSON.stringify(report))
  },
)
