/**
 * The program of one worker: runs histories from a range of seeds and prints its tally as one line of JSON; or replays
 * one seed, telling its story. scripts/sim.mjs starts it, with one JSON text that says what is asked.
 */
import { History } from './history.js'
import { networkOfSeed, planOfSeed } from './planning.js'
import { shorten } from './shortening.js'
import { count, newTally } from './tally.js'

export interface Range {
  readonly first: number
  readonly histories: number
  readonly steps: number
  /** Only every so manyth seed of the range, so that workers share it. */
  readonly stride: number
  /** Only those whose network is not rough. */
  readonly isGentle?: boolean
  readonly isI7Judged?: boolean
}

export async function runRange(range: Range): Promise<string> {
  const { first, histories, steps, stride, isGentle, isI7Judged } = range
  const tally = newTally()
  for (let seed = first; seed < first + histories; seed += stride) {
    if (isGentle === true && networkOfSeed(seed) === 'rough') continue
    const history = new History(planOfSeed(seed), { stepsMin: steps, isI7Judged })
    count(tally, seed, await history.run())
  }
  return JSON.stringify(tally)
}

/** The violation and the shortest plan that still leads to it, with the story that it tells. */
export async function explain({ first: seed, steps, isI7Judged }: Range): Promise<string> {
  const whole = { stepsMin: steps, isI7Judged }
  const { violation, plan } = await new History(planOfSeed(seed), whole).run()
  if (violation === undefined) return `Seed ${seed} breaks nothing.`
  const short = await shorten(plan, violation, isI7Judged)
  const story: string[] = []
  const tell = (line: string): unknown => story.push(readable(line))
  const again = await new History(short, { stepsMin: 0, isI7Judged, tell }).run()
  // A history that went on with further processes may need them where they came.
  if (again.violation === undefined) {
    story.length = 0
    await new History(planOfSeed(seed), { ...whole, tell }).run()
  }
  const what = again.violation ?? violation
  const { processes, ...others } = short
  const plans = [others, ...processes].map((part) => JSON.stringify(part))
  return [what, ...plans, ...story, what].join('\n')
}

function readable(line: string): string {
  return line
    .replace(/([a-z]+\/[0-9a-f]{8})[0-9a-f]{56}/g, '$1')
    .replace(/"staged":"\w*",?/g, '')
}

async function main([act, asked = '{}']: readonly string[]): Promise<void> {
  const standard = { first: 1, histories: 1, steps: 60, stride: 1 }
  const range: Range = { ...standard, ...(JSON.parse(asked) as Partial<Range>) }
  console.log(await (act === 'range' ? runRange(range) : explain(range)))
}

if (process.argv[1]?.endsWith('simulate.js') === true) await main(process.argv.slice(2))
