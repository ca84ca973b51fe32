/** Runs rounds of crashes and prints what came of them; exit code 1 where anything was lost. */
import { parseArgs } from 'node:util'
import { World } from '../end-to-end/harness/world.js'
import { drawFrom } from '../fuzz/http-input.js'
import { drawPlan } from './plan.js'
import { crashOnce, openScene } from './round.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
console.log(`npm run crash -- --rounds ${rounds} --seed ${seed}`)

let close = async (): Promise<void> => undefined
const world = await World.open({
  teardown: (end) => {
    close = async () => end()
  },
})
const counts = new Map<string, number>()
const count = (what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}
try {
  const scene = await openScene(world)
  for (let round = 0; round < rounds; round += 1) {
    const draw = drawFrom(seed + round)
    const report = await crashOnce(scene, { round, plan: drawPlan(draw), draw })
    const { plan, isReached, ends, acknowledged, problems } = report
    const where = plan.replace(/[ :].*/, '')
    count(isReached ? `died ${where}` : `not reached ${where}`)
    for (const end of ends) count(end)
    const state = isReached ? 'died' : 'not reached'
    console.log(`${round} ${plan}: ${state}; ${acknowledged} acknowledged; ${ends.join(', ')}`)
    if (problems.length > 0) {
      process.exitCode = 1
      console.log(`DAMAGED in round ${round}:\n${problems.join('\n')}`)
      break
    }
  }
  console.log(
    [...counts]
      .sort()
      .map(([what, times]) => `${String(times).padStart(6)}  ${what}`)
      .join('\n'),
  )
  if (process.exitCode !== 1) console.log(`SOUND after ${rounds} crashes`)
} finally {
  await close()
}
