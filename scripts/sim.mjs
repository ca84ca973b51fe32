/** `npm run sim`: shares seeded histories among processes of test/simulation/simulate.ts, and adds up what they found. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, root } from './build.mjs'
import { readUsage } from './usage.mjs'

const STORY_BYTES_MAX = 64 * 1024 * 1024
const FAILURES_TOLD = 3

const { values } = readUsage({
  name: 'sim',
  does: `Runs seeded histories of the real core and gate over a simulated clock, network and stores, and judges after
every step. A history that fails is told, with the shortest plan that still fails.
\`npm test -- simulation\` runs 5,000; there SEED and HISTORIES in the environment choose others.`,
  options: {
    seed: {
      kind: 'seed',
      purpose: 'of the first history; each next has the next',
      standard: 1,
    },
    histories: { kind: 'count', purpose: 'how many', standard: 1 },
    steps: { kind: 'count', purpose: 'requests in each history, or more', standard: 60 },
    gentle: { purpose: 'leave out the histories in a rough network: two of three' },
    'judge-i7': {
      purpose: 'let a history fail where a rightful run waits in a gentle network',
    },
    workers: { kind: 'count', purpose: 'processes at once', standard: 2 },
  },
  examples: [
    [' -- --histories 20000 --seed 300000', 'many, with a report'],
    [' -- --gentle --histories 3000', 'what rightful runs pay where nothing goes wrong'],
    [' -- --seed 1079', 'one again'],
  ],
  codes: {
    ok: 'no history broke an invariant',
    no: 'one did, 1,000 or more reached some rule too seldom or broke I7 too often, or the sources do not compile',
  },
})
const { seed, histories, steps, workers, gentle: isGentle, 'judge-i7': isI7Judged } = values

const simulate = async (act, range) => {
  const program = join(root, 'dist', 'test', 'simulation', 'simulate.js')
  const options = { maxBuffer: STORY_BYTES_MAX }
  const words = [program, act, JSON.stringify({ steps, isGentle, isI7Judged, ...range })]
  return (await promisify(execFile)(process.execPath, words, options)).stdout
}

if (!(await build())) process.exit(1)
const { add, describe, newTally, unreached, wrongTooOften } = await import(
  join(root, 'dist', 'test', 'simulation', 'tally.js')
)
const judging = isI7Judged ? ' --judge-i7' : ''
const began = performance.now()
const tally = newTally()
const shares = Array.from({ length: Math.min(workers, histories) }, (_, at) => at)
await Promise.all(
  shares.map(async (at) => {
    const range = { first: seed + at, histories: histories - at, stride: shares.length }
    add(tally, JSON.parse(await simulate('range', range)))
  }),
)
console.log(describe(tally))
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s, ${shares.length} at once`)
for (const { seed: failed, violation } of tally.failures.slice(0, FAILURES_TOLD)) {
  console.log(`\nSeed ${failed}: ${violation}\n`)
  console.log(await simulate('explain', { first: failed }))
}
if (tally.failures.length > 0) {
  console.log(`\n${tally.failures.length} of ${histories} histories broke an invariant:`)
  for (const { seed: failed, violation } of tally.failures)
    console.log(`  npm run sim -- --seed ${failed} --steps ${steps}${judging}   ${violation}`)
}
const missing = tally.rough >= 1000 ? unreached(tally) : []
if (missing.length > 0)
  console.log(`\nReached by less than 1 % of histories: ${missing.join('; ')}`)
const wrongShare = wrongTooOften(tally)
if (wrongShare !== undefined)
  console.log(
    `\nI7 was broken by ${(100 * wrongShare).toFixed(2)} % of rightful runs: too many.`,
  )
process.exitCode = tally.failures.length + missing.length + (wrongShare ?? 0) > 0 ? 1 : 0
