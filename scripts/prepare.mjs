/** Knows what a fresh checkout needs before anything can run: the packages of node_modules and a build. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, root } from './build.mjs'

const timeOf = async (name) => (await stat(join(root, name)).catch(() => undefined))?.mtimeMs

/** True unless npm's own record in node_modules is at least as new as the lock file. */
const lacksPackages = async () => {
  const installed = await timeOf('node_modules/.package-lock.json')
  const wanted = await timeOf('package-lock.json')
  return installed === undefined || (wanted ?? 0) > installed
}

const install = (say) => {
  const verb = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install'
  say(`Installing packages (npm ${verb}) ...`)
  // The prepare hook is left to us: a compile error is then told once, and as what it is.
  const env = { ...process.env, LOCKKEEPER_PREPARING: '1' }
  return new Promise((resolve, reject) => {
    const child = spawn('npm', [verb, '--no-audit', '--no-fund'], {
      cwd: root,
      env,
      stdio: 'inherit',
    })
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0))
  })
}

/** Installs and builds what is missing, saying so; in well under a second where nothing is. Answers true on success. */
export const prepare = async (say = console.log) => {
  if ((await lacksPackages()) && !(await install(say))) {
    say('npm could not install the packages; see its message above.')
    return false
  }
  if (await build(say)) return true
  say('The sources do not compile; see the messages above.')
  return false
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !(await prepare()))
  process.exitCode = 1
