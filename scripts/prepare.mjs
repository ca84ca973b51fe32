/** Knows what a fresh checkout needs before anything can run: the packages of node_modules and a build. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, root } from './build.mjs'

const timeOf = async (name) => (await stat(join(root, name)).catch(() => undefined))?.mtimeMs

/** npm's own record of what stands in node_modules. */
const NPM_RECORD = 'node_modules/.package-lock.json'

/** True unless that is at least as new as the lock file. */
const lacksPackages = async () => {
  const installed = await timeOf(NPM_RECORD)
  const wanted = await timeOf('package-lock.json')
  return installed === undefined || (wanted ?? 0) > installed
}

const npm = (...words) => {
  // The prepare hook is left to us: a compile error is then told once, and as what it is.
  const env = { ...process.env, LOCKKEEPER_PREPARING: '1' }
  return new Promise((resolve, reject) => {
    const child = spawn('npm', words, { cwd: root, env, stdio: 'inherit' })
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0))
  })
}

/** Brings the packages, but leaves it to `compilePackages` to run what they want to run; until then they count as missing. */
const unpackPackages = async (verb) => {
  if (!(await npm(verb, '--no-audit', '--no-fund', '--ignore-scripts'))) return false
  await utimes(join(root, NPM_RECORD), 0, 0)
  return true
}

/** How often something that takes long says that it goes on. */
const SIGN_OF_LIFE_MS = 15_000

/** npm says nothing until all of them are done; SQLite takes about two minutes where nobody has compiled it before. */
const compilePackages = async (say) => {
  say(
    'Compiling what packages bring in C (SQLite, bcrypt, FUSE) where npm finds it not ready-made ...',
  )
  const began = performance.now()
  const signs = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000)
    say(
      `... still compiling, ${seconds} s so far; two minutes are usual, and this is the first time only`,
    )
  }, SIGN_OF_LIFE_MS)
  const isDone = await npm('rebuild').finally(() => clearInterval(signs))
  if (!isDone) return false
  const now = new Date()
  await utimes(join(root, NPM_RECORD), now, now)
  return true
}

/**
 * Installs and builds what is missing, saying so; in well under a second where nothing is. Answers true on success.
 * `onBuilt` begins as soon as the sources are compiled: a package may want a compiler for minutes after that.
 */
export const prepare = async (say = console.log, onBuilt = async () => undefined) => {
  const isInstalling = await lacksPackages()
  const verb = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install'
  if (isInstalling) say(`Installing packages (npm ${verb}) ...`)
  const isUnpacked = !isInstalling || (await unpackPackages(verb))
  const building = isUnpacked ? build(say) : Promise.resolve(false)
  const [isBuilt, isCompiled] = await Promise.all([
    building,
    isInstalling && isUnpacked ? compilePackages(say) : true,
    building.then((isBuilt) => (isBuilt ? onBuilt() : undefined)),
  ])
  // Only while it installs does npm forgive an optional package that cannot be compiled here.
  if (!isUnpacked || (!isCompiled && !(await npm(verb, '--no-audit', '--no-fund')))) {
    say('npm could not install the packages; see its message above.')
    return false
  }
  if (isBuilt) return true
  say('The sources do not compile; see the messages above.')
  return false
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !(await prepare()))
  process.exitCode = 1
