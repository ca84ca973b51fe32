/** `npm run attacks`: the attacks of test/attacks/, a whole minute each, and every request of the bystander judged. */
import { build, runNode } from './build.mjs'
import { readUsage } from './usage.mjs'

const { values } = readUsage({
  name: 'attacks',
  does: `Attacks a gateway on loopback, entry by entry, while another user's requests are timed.
\`npm test -- attacks\` runs two seconds of each, and judges no times.`,
  options: {
    seconds: {
      kind: 'count',
      purpose: 'that each attack lasts',
      variable: 'ATTACK_SECONDS',
      standard: 60,
    },
  },
  examples: [[' -- --seconds 10', 'a short run']],
  codes: { ok: 'nobody was kept', no: 'somebody was, or the sources do not compile' },
})
process.env.ATTACK_SECONDS = String(values.seconds)

const ava = [
  'node_modules/ava/entrypoints/cli.mjs',
  '--timeout=30m',
  'dist/test/attacks/*.test.js',
]
process.exitCode = (await build()) ? await runNode(ava) : 1
