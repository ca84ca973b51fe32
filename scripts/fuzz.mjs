/** `npm run fuzz`: the tests of test/fuzz/ with many inputs. They read the variables. */
import { build, runNode } from './build.mjs'
import { newSeed, readUsage } from './usage.mjs'

const { values } = readUsage({
  name: 'fuzz',
  does: `Runs the fuzz tests of both HTTP doors, the parsers and the journal's file, with many inputs each.
\`npm test -- fuzz\` runs 2,000 from seed 1, or what the variables say.`,
  options: {
    seed: {
      kind: 'seed',
      purpose: 'of the first input',
      variable: 'FUZZ_SEED',
      otherwise: 'a new one, printed',
    },
    count: {
      kind: 'count',
      purpose: "inputs for each test, a hundredth for the journal's file",
      variable: 'FUZZ_COUNT',
      standard: 100_000,
    },
  },
  examples: [
    [' -- --count 5000', 'a short run'],
    [' -- --seed 60601', 'the inputs of an earlier run'],
  ],
  codes: { ok: 'every test passed', no: 'one failed, or the sources do not compile' },
})
const { seed = newSeed(), count } = values
console.log(`npm run fuzz -- --seed ${seed} --count ${count}`)
process.env.FUZZ_SEED = String(seed)
process.env.FUZZ_COUNT = String(count)

const ava = [
  'node_modules/ava/entrypoints/cli.mjs',
  '--timeout=120m',
  'dist/test/fuzz/*.test.js',
]
process.exitCode = (await build()) ? await runNode(ava) : 1
