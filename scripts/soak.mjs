/** `npm run soak`: fetches restic, and starts test/soak/main.ts, or test/soak/mounted-main.ts for a mount. */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { newSeed, readUsage } from './usage.mjs'

const { values, refuse } = readUsage({
  name: 'soak',
  does: `Real restic 0.14 and 0.18 against one gateway while lines are cut, clients are stopped, continued and killed, and
the gateway is killed. Then checks the repository and the journal, and restores what reported success.
With --fuse: a day of one mount in minutes, restic and other programs on it, and what they hold of the machine.`,
  options: {
    minutes: { kind: 'minutes', purpose: 'how long', otherwise: '30; with --fuse 6' },
    clients: { kind: 'count', purpose: 'how many at once, not with --fuse', otherwise: 4 },
    seed: {
      kind: 'seed',
      purpose: 'chooses what is done, not with --fuse',
      otherwise: 'a new one, printed',
    },
    json: { purpose: 'print the report as JSON, not with --fuse' },
    fuse: { purpose: 'on a mount; needs /dev/fuse' },
  },
  examples: [
    [' -- --minutes 3', 'a short one'],
    [' -- --minutes 600 --clients 8', 'over night'],
    [' -- --fuse', 'a mount'],
  ],
  codes: {
    ok: 'sound, or a mount as promised',
    no: 'something is lost or damaged, a mount not as promised, or packages, build or restic cannot be had',
  },
})
const { fuse, minutes = fuse ? 6 : 30, clients: count, seed, json } = values
for (const [flag, value] of Object.entries({ clients: count, seed, json }))
  if (fuse && (value ?? false) !== false) refuse(`--${flag} does not go with --fuse`)

if (!(await prepare())) process.exit(1)
const clients = await ensureClients(['restic-0.14', 'restic-0.18'], console.error)
if (Object.values(clients).some(({ missing }) => missing)) {
  console.error(describeClients(clients).join('\n'))
  process.exit(1)
}
const settings = { minutes, clients: count ?? 4, seed: seed ?? newSeed(), isJson: json }
process.exitCode = await runNode([
  join(root, 'dist', 'test', 'soak', fuse ? 'mounted-main.js' : 'main.js'),
  JSON.stringify(settings),
])
