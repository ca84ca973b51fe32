/** `npm run bench -- [names…] [--rounds N] [--json FILE]`: prepares, fetches the peers, and compares; see bench/bench.ts. */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

if (!(await prepare())) process.exit(1)
const peers = await ensureClients(['rest-server', 'rclone', 'restic-0.18'], console.error)
console.error(describeClients(peers).join('\n'))
if (Object.values(peers).some(({ missing }) => missing)) process.exit(1)
process.exitCode = await runNode([
  join(root, 'dist', 'bench', 'bench.js'),
  ...process.argv.slice(2),
])
