/**
 * `npm run bench -- [fuse] [names…] [--rounds N] [--json FILE]`: prepares, fetches the peers, and compares; see
 * bench/bench.ts, and bench/fuse.ts for mounts.
 */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

if (!(await prepare())) process.exit(1)
const [first, ...rest] = process.argv.slice(2)
const isOfMounts = first === 'fuse'
const others = isOfMounts ? ['fusermount'] : ['rest-server']
const peers = await ensureClients([...others, 'rclone', 'restic-0.18'], console.error)
console.error(describeClients(peers).join('\n'))
if (Object.values(peers).some(({ missing }) => missing)) process.exit(1)
// Ctrl-C reaches the measuring process too, and that puts everything away.
process.on('SIGINT', () => undefined)
process.exitCode = await runNode([
  join(root, 'dist', 'bench', isOfMounts ? 'fuse.js' : 'bench.js'),
  ...(isOfMounts ? rest : process.argv.slice(2)),
])
