/**
 * Knows the packages that some tests need from the system itself, since they cannot be unpacked aside. They are
 * installed where that is allowed (root on Debian), never silently; elsewhere their tests are skipped, visibly.
 * `node scripts/system.mjs` brings them all.
 */
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Each package and a file of its that shows that it is there. */
export const SYSTEM_PACKAGES = {
  litmus: '/usr/libexec/litmus/basic',
  davfs2: '/usr/sbin/mount.davfs',
  cadaver: '/usr/bin/cadaver',
}

const isThere = async (file) =>
  access(file).then(
    () => true,
    () => false,
  )

const missingOf = async (names) => {
  const missing = []
  for (const name of names) if (!(await isThere(SYSTEM_PACKAGES[name]))) missing.push(name)
  return missing
}

/** Without a network apt tries for long. */
const INSTALL_MS_MAX = 5 * 60_000

const install = async (names) => {
  if (process.getuid?.() !== 0) throw new Error('only root can install it')
  if (!(await isThere('/etc/debian_version'))) throw new Error('this is no Debian')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) =>
    run('apt-get', ['-qq', ...args], {
      env,
      maxBuffer: 2 ** 26,
      timeout: INSTALL_MS_MAX,
    })
  await apt('update')
  await apt('install', '-y', '--no-install-recommends', ...names)
}

/** Makes the packages available: `{ name: undefined | 'why it is missing' }`. Never throws. */
export const ensureSystem = async (
  names = Object.keys(SYSTEM_PACKAGES),
  say = () => undefined,
) => {
  const missing = await missingOf(names)
  let reason
  if (missing.length > 0) {
    say(`Installing ${missing.join(', ')} into this system (apt-get install) ...`)
    await install(missing).catch((error) => (reason = error.message.split('\n')[0]))
  }
  const still = await missingOf(names)
  return Object.fromEntries(
    names.map((name) => [name, still.includes(name) ? (reason ?? 'not there') : undefined]),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2)
  const result = await ensureSystem(names.length > 0 ? names : undefined, console.log)
  for (const [name, missing] of Object.entries(result))
    console.log(`${name}: ${missing === undefined ? 'there' : `missing (${missing})`}`)
  if (Object.values(result).some((missing) => missing !== undefined)) process.exitCode = 1
}
