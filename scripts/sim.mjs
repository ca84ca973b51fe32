/**
 * `npm run sim -- [--seed S] [--histories H] [--steps N] [--workers W]`: runs H seeded histories from seed S, of N requests or
 * more each. One history alone is told; one that fails is printed with the shortest plan that still fails.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { build, root } from './build.mjs'

const STORY_BYTES_MAX = 64 * 1024 * 1024
const FAILURES_TOLD = 3

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '1' },
    steps: { type: 'string', default: '60' },
    workers: { type: 'string', default: '2' },
  },
})
const [seed, histories, steps, workers] = ['seed', 'histories', 'steps', 'workers'].map(
  (name) => Number(values[name]),
)

const simulate = async (...words) => {
  const program = join(root, 'dist', 'test', 'simulation', 'simulate.js')
  const options = { maxBuffer: STORY_BYTES_MAX }
  return (await promisify(execFile)(process.execPath, [program, ...words.map(String)], options))
    .stdout
}

if (!(await build())) process.exit(1)
const { add, describe, newTally, unreached } = await import(
  join(root, 'dist', 'test', 'simulation', 'tally.js')
)
const began = performance.now()
const tally = newTally()
const shares = Array.from({ length: Math.min(workers, histories) }, (_, at) => at)
await Promise.all(
  shares.map(async (at) => {
    const range = [seed + at, histories - at, steps, shares.length]
    add(tally, JSON.parse(await simulate('range', ...range)))
  }),
)
console.log(describe(tally))
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s, ${shares.length} at once`)
for (const { seed: failed, violation } of tally.failures.slice(0, FAILURES_TOLD)) {
  console.log(`\nSeed ${failed}: ${violation}\n`)
  console.log(await simulate('explain', failed, 1, steps))
}
if (tally.failures.length > 0) {
  console.log(`\n${tally.failures.length} of ${histories} histories broke an invariant:`)
  for (const { seed: failed, violation } of tally.failures)
    console.log(`  npm run sim -- --seed ${failed} --steps ${steps}   ${violation}`)
}
const missing = histories >= 1000 ? unreached(tally) : []
if (missing.length > 0)
  console.log(`\nReached by less than 1 % of histories: ${missing.join('; ')}`)
process.exitCode = tally.failures.length + missing.length > 0 ? 1 : 0
