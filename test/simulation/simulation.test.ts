/** Five thousand seeded histories of the whole core and gate; `npm run sim` runs more, and replays one. */
import test from 'ava'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { add, describe, newTally, unreached, wrongTooOften, type Tally } from './tally.js'

const workers = 2
const seed = Number(process.env.SEED ?? 1)
const histories = Number(process.env.HISTORIES ?? 5_000)
const steps = 60

test('no history breaks an invariant, and each rule is reached', async (t) => {
  t.timeout(4 * 60_000 + 50 * histories)
  const program = fileURLToPath(new URL('./simulate.js', import.meta.url))
  const tally = newTally()
  const parts = Array.from({ length: workers }, async (_, at) => {
    const range = { first: seed + at, histories: histories - at, steps, stride: workers }
    const words = [program, 'range', JSON.stringify(range)]
    const { stdout } = await promisify(execFile)(process.execPath, words)
    add(tally, JSON.parse(stdout) as Tally)
  })
  await Promise.all(parts)
  t.log(describe(tally))
  t.is(tally.histories, histories)
  t.true(tally.fewestSteps >= steps)
  t.true(tally.fewestWriters >= 3)
  const failures = tally.failures.map(({ seed: failed, violation }) => {
    return `${violation}; replay: npm run sim -- --seed ${failed} --steps ${steps}`
  })
  t.deepEqual(failures, [])
  t.deepEqual(unreached(tally), [], 'reached by less than one history of a hundred')
  t.is(wrongTooOften(tally), undefined, 'the share of rightful runs that broke I7')
})
