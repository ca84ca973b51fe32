/** `npm run fuzz`: the fuzz tests with 100,000 inputs each, from FUZZ_SEED (a new one where it is not given). */
import { build, runNode } from './build.mjs'

process.env.FUZZ_SEED ??= String(Math.floor(Math.random() * 2 ** 31))
process.env.FUZZ_COUNT ??= '100000'
console.log(
  `FUZZ_SEED=${process.env.FUZZ_SEED} FUZZ_COUNT=${process.env.FUZZ_COUNT} npm run fuzz`,
)

const ava = [
  'node_modules/ava/entrypoints/cli.mjs',
  '--timeout=120m',
  'dist/test/fuzz/*.test.js',
]
process.exitCode = (await build()) ? await runNode(ava) : 1
