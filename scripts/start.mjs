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
  const said = process.argv.slice(2)
  // The pages for operators, at any free port of this machine; the gateway prints a link to them.
  const isSaid = said.some((word) => /^--(admin-listen|config)\b/.test(word))
  const pages = isSaid ? [] : ['--admin-listen', '127.0.0.1:0']
  process.argv = [process.execPath, program, 'serve', ...pages, ...said]
  await import(pathToFileURL(program).href)
} else {
  process.exitCode = 1
}
