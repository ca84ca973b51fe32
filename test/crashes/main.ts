/**
 * Runs rounds of crashes and prints what came of them; exit code 1 where anything was lost. scripts/crash.mjs starts it
 * with its settings as JSON.
 */
import { World } from '../end-to-end/harness/world.js'
import { drawFrom } from '../fuzz/http-input.js'
import { drawPlan } from './plan.js'
import { crashOnce, openScene } from './round.js'

interface CrashSettings {
  readonly rounds: number
  readonly seed: number
}

const { rounds, seed } = JSON.parse(process.argv[2] ?? '') as CrashSettings
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
  const context = await openScene(world)
  for (let round = 0; round < rounds; round += 1) {
    const draw = drawFrom(seed + round)
    const report = await crashOnce(context, { round, plan: drawPlan(draw), draw })
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
