/**
 * `npm run bench -- [fuse | webdav | operator] [names…] [--rounds N] [--json FILE]`: prepares, fetches the peers, and
 * compares; see bench/bench.ts, bench/fuse.ts for mounts, bench/webdav.ts for WebDAV, bench/operator.ts for the pages.
 */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

if (!(await prepare())) process.exit(1)
const [first, ...rest] = process.argv.slice(2)
/** What is measured, where that is not the REST door: the program, and the clients that it needs. */
const resticPeers = ['rclone', 'restic-0.18']
const special = { fuse: ['fusermount', ...resticPeers], webdav: resticPeers, operator: [] }[
  first
]
const peers = await ensureClients(special ?? ['rest-server', ...resticPeers], console.error)
console.error(describeClients(peers).join('\n'))
if (Object.values(peers).some(({ missing }) => missing)) process.exit(1)
// Ctrl-C reaches the measuring process too, and that puts everything away.
process.on('SIGINT', () => undefined)
process.exitCode = await runNode([
  join(root, 'dist', 'bench', special === undefined ? 'bench.js' : `${first}.js`),
  ...(special === undefined ? process.argv.slice(2) : rest),
])
