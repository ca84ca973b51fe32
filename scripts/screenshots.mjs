/** `npm run screenshots`: takes pictures of the operators' pages into docs/screenshots/, in a real browser. */
import { join } from 'node:path'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'

if (!(await prepare())) process.exit(1)
const clients = await ensureClients(['chromium', 'restic-0.18'], console.error)
console.error(describeClients(clients).join('\n'))
if (Object.values(clients).some(({ missing }) => missing)) process.exit(1)
const program = join(root, 'dist', 'test', 'screenshots', 'main.js')
process.exitCode = await runNode([program, join(root, 'docs', 'screenshots')])
