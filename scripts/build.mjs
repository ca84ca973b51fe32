/**
 * Knows when `dist/` is behind the sources, and compiles then. Also npm's prepare hook (`npm install` from git), so
 * it must install nothing itself.
 */
import './node-version.mjs'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../', import.meta.url))

/** The list of sources of the last build that succeeded; its time is that build's beginning. */
const stampFile = join(root, 'dist', '.sources.json')
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** Runs a Node program in the project's folder with the terminal as its own; answers its exit code. */
export const runNode = (args) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })

const listSources = async () => {
  const { include } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'))
  const lists = include.map(async (folder) => {
    const names = await readdir(join(root, folder), { recursive: true }).catch(() => [])
    return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
  })
  return (await Promise.all(lists)).flat().sort()
}

const readStamp = async () => {
  try {
    const sources = JSON.parse(await readFile(stampFile, 'utf8'))
    return { sources, mtimeMs: (await stat(stampFile)).mtimeMs }
  } catch {
    return { sources: [], mtimeMs: 0 }
  }
}

/** The compiler leaves the output of a source that has gone; a test would go on running from there. */
const removeOrphans = async (before, now) => {
  const kept = new Set(now)
  for (const source of before.filter((name) => !kept.has(name)))
    for (const end of ['.js', '.js.map'])
      await rm(join(root, 'dist', source.replace(/\.ts$/, end)), { force: true })
}

const isNewer = async (files, mtimeMs) => {
  const times = await Promise.all(
    files.map(async (name) => (await stat(join(root, name))).mtimeMs),
  )
  return times.some((time) => time > mtimeMs)
}

/** Builds if something changed. Answers false, after the compiler's own words, if the sources do not compile. */
export const build = async (say = console.log) => {
  const [sources, stamp] = await Promise.all([listSources(), readStamp()])
  const removed =
    stamp.sources.length > 0 && stamp.sources.some((name) => !sources.includes(name))
  const inputs = [...sources, 'tsconfig.json', 'package.json']
  if (!removed && !(await isNewer(inputs, stamp.mtimeMs))) return true

  say('Compiling to dist/ ...')
  const began = new Date()
  await removeOrphans(stamp.sources, sources)
  if ((await runNode([compiler])) !== 0) return false
  await writeFile(stampFile, JSON.stringify(sources))
  await utimes(stampFile, began, began)
  return true
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // prepare.mjs installs with this set, and builds itself.
  if (process.env.LOCKKEEPER_PREPARING) process.exitCode = 0
  else if (!existsSync(compiler))
    console.log('Not compiling: development packages are not installed.')
  else if (!(await build())) process.exitCode = 1
}
