/**
 * `npm run crash -- --rounds N --seed S`: the gateway is killed N times under load by real restic, at named places of
 * the commit protocol and at any moment. Exit code 1 where anything acknowledged was lost or anything is damaged.
 */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

if (!(await prepare())) process.exit(1)
const clients = await ensureClients(['restic-0.14', 'restic-0.18'], console.error)
if (Object.values(clients).some(({ missing }) => missing)) {
  console.error(describeClients(clients).join('\n'))
  process.exit(1)
}
process.exitCode = await runNode([
  join(root, 'dist', 'test', 'crashes', 'main.js'),
  ...process.argv.slice(2),
])
