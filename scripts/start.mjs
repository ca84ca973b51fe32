/**
 * `npm start -- --flag`: installs and builds what is missing, then serves in this very process, so that signals and
 * the exit code are the gateway's own. (npm signals the shell it started: hence the `exec` in package.json.)
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './build.mjs'
import { prepare } from './prepare.mjs'

if (await prepare()) {
  const program = join(root, 'dist', 'gateway', 'cli', 'main.js')
  process.argv = [process.execPath, program, 'serve', ...process.argv.slice(2)]
  await import(pathToFileURL(program).href)
} else {
  process.exitCode = 1
}
