/** The gateway is killed in the middle of its work, started again, and nothing that was acknowledged is lost. */
import { drawFrom } from '../fuzz/http-input.js'
import { crashOnce, openScene } from '../crashes/round.js'
import type { Plan } from '../crashes/plan.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

const plans: readonly Plan[] = [
  { kind: 'place', place: 'during-append', count: 4 },
  { kind: 'place', place: 'after-link', count: 3 },
  { kind: 'place', place: 'after-append', count: 3 },
  { kind: 'moment', afterMs: 700 },
]

const testCrash = testWith('restic-0.14', 'restic-0.18')
testCrash('a gateway that is killed while restic writes loses nothing', async (t) => {
  t.timeout(5 * 60_000)
  const world = await World.open(t)
  const context = await openScene(world)
  for (const [round, plan] of plans.entries()) {
    const report = await crashOnce(context, { round, plan, draw: drawFrom(round) })
    t.log(`${report.plan}: ${report.acknowledged} acknowledged, ${report.ends.join(', ')}`)
    t.deepEqual(report.problems, [], report.plan)
    if (plan.kind === 'place') t.true(report.isReached, report.plan)
  }
})
