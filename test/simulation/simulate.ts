/**
 * The program of one worker: runs histories from a range of seeds and prints its tally as one line of JSON; or replays
 * one seed, telling its story. scripts/sim.mjs starts it.
 */
import { History } from './history.js'
import { planOfSeed } from './planning.js'
import { shorten } from './shortening.js'
import { count, newTally } from './tally.js'

export interface Range {
  readonly first: number
  readonly histories: number
  readonly steps: number
  /** Only every so manyth seed of the range, so that workers share it. */
  readonly stride: number
}

export async function runRange({ first, histories, steps, stride }: Range): Promise<string> {
  const tally = newTally()
  for (let seed = first; seed < first + histories; seed += stride) {
    count(tally, seed, await new History(planOfSeed(seed), steps).run())
  }
  return JSON.stringify(tally)
}

/** The violation and the shortest plan that still leads to it, with the story that it tells. */
export async function explain(seed: number, steps: number): Promise<string> {
  const { violation, plan } = await new History(planOfSeed(seed), steps).run()
  if (violation === undefined) return `Seed ${seed} breaks nothing.`
  const short = await shorten(plan)
  const story: string[] = []
  const again = await new History(short, 0, (line) => story.push(readable(line))).run()
  // A history that went on with further processes may need them where they came.
  if (again.violation === undefined) {
    story.length = 0
    await new History(planOfSeed(seed), steps, (line) => story.push(readable(line))).run()
  }
  const what = again.violation ?? violation
  return [what, JSON.stringify(short, undefined, 1), ...story, what].join('\n')
}

function readable(line: string): string {
  return line
    .replace(/([a-z]+\/[0-9a-f]{8})[0-9a-f]{56}/g, '$1')
    .replace(/"staged":"\w*",?/g, '')
}

async function main(words: readonly string[]): Promise<void> {
  const [act, ...numbers] = words
  const [first = 1, histories = 1, steps = 60, stride = 1] = numbers.map(Number)
  if (act === 'range') console.log(await runRange({ first, histories, steps, stride }))
  else console.log(await explain(first, steps))
}

if (process.argv[1]?.endsWith('simulate.js') === true) await main(process.argv.slice(2))
