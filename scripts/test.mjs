/**
 * `npm test -- [--checks] [name…] [AVA's flags]`: prepares, fetches the clients, runs the tests whose file name
 * contains one of the names, and ends with the line "N passed, N failed". With --checks lint and format are tests
 * too. Where CI is set a skipped test or a missing client is a failure.
 */
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root, runNode } from './build.mjs'
import { describeClients, ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { followReport } from './report.mjs'
import { ensureSystem } from './system.mjs'

const CONCURRENT_FILES = 6
/** A guard against tests that hang, long enough for a machine that does much else. */
const TIME_LIMIT_MS = 35 * 60_000

const CHECKS = {
  lint: ['node_modules/eslint/bin/eslint.js', '.'],
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
}

const isCi = ![undefined, '', 'false', '0'].includes(process.env.CI)
const given = process.argv.slice(2)
const flagsAt = given.findIndex((word) => word.startsWith('-') && word !== '--checks')
const flags = flagsAt === -1 ? [] : given.slice(flagsAt)
const words = flagsAt === -1 ? given : given.slice(0, flagsAt)
const names = words.filter((word) => word !== '--checks')

const total = { passed: [], failed: [], skipped: [] }
const record = (counts) => {
  for (const [kind, titles] of Object.entries(counts)) total[kind].push(...titles)
}

const end = () => {
  const { passed, failed, skipped } = total
  if (skipped.length > 0) console.log(`\nSkipped:\n  ${skipped.join('\n  ')}`)
  const failures = isCi ? [...failed, ...skipped.map((title) => `${title} (skipped)`)] : failed
  if (failures.length > 0) console.log(`\nFailed:\n  ${failures.join('\n  ')}`)
  console.log(`\n${passed.length} passed, ${failures.length} failed`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

const findTestFiles = async () => {
  const all = await readdir(join(root, 'dist', 'test'), { recursive: true })
  const tests = all.filter((name) => name.endsWith('.test.js')).sort()
  const chosen =
    names.length === 0
      ? tests
      : tests.filter((file) => names.some((name) => file.includes(name)))
  return chosen.map((file) => join('dist', 'test', file))
}

const runAva = async (files) => {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
  const args = [ava, '--concurrency', String(CONCURRENT_FILES), ...flags, ...files]
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGINT')
  }, TIME_LIMIT_MS - performance.now())
  const counts = await followReport(createInterface({ input: child.stdout }))
  const code = await ended
  clearTimeout(limit)
  if (isLate)
    counts.failed.push(`the tests did not end within ${TIME_LIMIT_MS / 60_000} minutes`)
  else if (code !== 0 && counts.failed.length === 0)
    counts.failed.push(`AVA ended with code ${code}`)
  return counts
}

// What is compiled here is used for minutes: to optimise SQLite takes most of the time that compiling it does.
if (isCi) {
  process.env.CFLAGS ??= '-O1'
  process.env.CXXFLAGS ??= '-O1'
}

const checks = words.includes('--checks') ? Object.entries(CHECKS) : []
const check = async ([name, args]) =>
  record({ [(await runNode(args)) === 0 ? 'passed' : 'failed']: [name] })

// All wait for the network, or one for a compiler, most of the time.
const fetching = ensureClients(undefined, console.log)
const installing = ensureSystem(undefined, console.log)
if (!(await prepare(console.log, () => Promise.all(checks.map(check))))) {
  record({ failed: ['build'] })
  end()
} else {
  const clients = await fetching
  await installing
  console.log(`Clients:\n  ${describeClients(clients).join('\n  ')}\n`)
  const missing = Object.entries(clients).filter(([, client]) => client.missing)
  record({ skipped: missing.map(([name, client]) => `client ${name}: ${client.missing}`) })

  const files = await findTestFiles()
  if (files.length > 0) record(await runAva(files))
  else record({ failed: [`no test file's name contains ${names.join(' or ')}`] })
  end()
}
