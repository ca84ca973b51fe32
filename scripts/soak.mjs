/**
 * `npm run soak -- --minutes T --clients N --seed S`: real restic of both versions against one gateway while lines are
 * cut, clients stopped and continued, and the gateway killed. Exit code 1 where anything was damaged or lost.
 * `npm run soak -- --fuse --minutes T`: a day of one mount in minutes; see test/soak/mounted-day.ts.
 */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

const args = process.argv.slice(2)
if (!(await prepare())) process.exit(1)
const clients = await ensureClients(['restic-0.14', 'restic-0.18'], console.error)
if (Object.values(clients).some(({ missing }) => missing)) {
  console.error(describeClients(clients).join('\n'))
  process.exit(1)
}
process.exitCode = await runNode([
  join(root, 'dist', 'test', 'soak', args.includes('--fuse') ? 'mounted-main.js' : 'main.js'),
  ...args,
])
