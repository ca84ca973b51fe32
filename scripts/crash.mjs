/** `npm run crash`: fetches restic, and starts test/crashes/main.ts. */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { newSeed, readUsage } from './usage.mjs'

const { values } = readUsage({
  name: 'crash',
  does: `Kills the gateway again and again while real restic works, at named places of the commit protocol and at
any moment. After each crash nothing acknowledged may be lost and nothing damaged.`,
  options: {
    rounds: { kind: 'count', purpose: 'crashes', standard: 200 },
    seed: { kind: 'seed', purpose: 'chooses the places', otherwise: 'a new one, printed' },
  },
  examples: [
    [' -- --rounds 5', 'a few crashes'],
    [' -- --seed 259107037', 'the places of an earlier run'],
  ],
  codes: {
    ok: 'sound after every crash',
    no: 'something is lost or damaged, or packages, build or restic cannot be had',
  },
})

if (!(await prepare())) process.exit(1)
const clients = await ensureClients(['restic-0.14', 'restic-0.18'], console.error)
if (Object.values(clients).some(({ missing }) => missing)) {
  console.error(describeClients(clients).join('\n'))
  process.exit(1)
}
const settings = { rounds: values.rounds, seed: values.seed ?? newSeed() }
process.exitCode = await runNode([
  join(root, 'dist', 'test', 'crashes', 'main.js'),
  JSON.stringify(settings),
])
