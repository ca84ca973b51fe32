/** `npm run mutants`: tries the mutants of mutant-list.mjs one at a time in a copy of `dist/`, and shows what notices each. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, root } from './build.mjs'
import { mutants } from './mutant-list.mjs'
import { choose, readUsage } from './usage.mjs'

const TESTS_TIMEOUT_MS = 10 * 60_000
const HISTORIES = 600
const STEPS = 60
/** Those of the gate alone; the doors' would notice much the same, later. */
const GATE_TESTS = /(gate-[a-z]*|clock|adoption|removals)\.test\.js$/
/** These notice most, and a mutant that is noticed needs no other. */
const FIRST_TESTS = /(rules|histories|late-copies|endings|syncs|local-durability)\.test\.js$/
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

const usage = readUsage({
  name: 'mutants',
  does: `Switches off one part of the rule at a time in a copy of dist/, and shows what notices it: the tests of core,
gate or stores, the short simulation, or the interleavings.`,
  words: 'try only the mutants whose name contains one of them',
  options: { list: { purpose: 'print the names, and try nothing' } },
  examples: [
    [' -- --list', 'what there is'],
    [' -- "rule 1"', 'those of one rule'],
  ],
  codes: {
    ok: 'every mutant was noticed',
    no: 'one survives or no longer matches the compiled text; the sources do not compile; a test fails anyway',
  },
})
const chosen = choose(mutants, ([name]) => name, usage)
if (usage.values.list) {
  for (const [name] of chosen) console.log(name)
  process.exit(0)
}

const makeCopy = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-mutants-'))
  await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await cp(join(root, 'ava.config.js'), join(folder, 'ava.config.js'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  // What tests read beside what is compiled.
  await symlink(join(root, 'test'), join(folder, 'test'))
  return folder
}

/** The file's text with the mutant in it, or undefined where the marked text is not there exactly once. */
const mutated = (text, [, , from, to, more = []]) => {
  let result = text
  for (const [what, instead] of [[from, to], ...more]) {
    if (result.split(what).length !== 2) return undefined
    result = result.replace(what, () => instead)
  }
  return result
}

const run = (folder, args) =>
  promisify(execFile)(process.execPath, args, {
    cwd: folder,
    timeout: TESTS_TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  })

const testsIn = (folder, ...parts) =>
  readdirSync(join(folder, 'dist', 'test', ...parts))
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join('dist', 'test', ...parts, name))

const runTests = async (folder, files) => {
  try {
    await run(folder, [
      join('node_modules', 'ava', 'entrypoints', 'cli.mjs'),
      '--fail-fast',
      ...files,
    ])
    return undefined
  } catch (error) {
    const first = /^\s*✘ \[fail\]: (.*)$/m.exec(error.stdout ?? '')
    return first === null ? 'the tests break' : `test: ${first[1]}`
  }
}

const runSimulation = async (folder) => {
  const program = join('dist', 'test', 'simulation', 'simulate.js')
  try {
    const { stdout } = await run(folder, [
      program,
      'range',
      JSON.stringify({ histories: HISTORIES, steps: STEPS }),
    ])
    const { failures } = JSON.parse(stdout)
    const [first] = failures
    if (first === undefined) return undefined
    return `simulation: seed ${first.seed}, ${first.violation}`
  } catch {
    return 'the simulation breaks'
  }
}

const testsOf = (folder, isStore) => {
  if (isStore) return testsIn(folder, 'backends')
  const gate = testsIn(folder, 'gateway').filter((name) => GATE_TESTS.test(name))
  return [...testsIn(folder, 'fencing'), ...gate]
}

const killerOf = async (folder, file) => {
  const isStore = file.startsWith('backends/')
  const tests = testsOf(folder, isStore)
  for (const isFirst of [true, false]) {
    const some = tests.filter((name) => FIRST_TESTS.test(name) === isFirst)
    const byTest = await runTests(folder, some)
    if (byTest !== undefined) return byTest
  }
  if (isStore) return undefined
  const bySimulation = await runSimulation(folder)
  if (bySimulation !== undefined) return bySimulation
  const all = testsIn(folder, 'simulation')
  return runTests(
    folder,
    all.filter((name) => name.includes('interleavings')),
  )
}

const tryOne = async (folder, mutant) => {
  const [name, file] = mutant
  const path = join(folder, 'dist', file)
  const text = await readFile(path, 'utf8')
  const changed = mutated(text, mutant)
  if (changed === undefined) return { name, fate: 'DOES NOT MATCH', isDead: false }
  await writeFile(path, changed)
  try {
    const killer = await killerOf(folder, file)
    return { name, fate: killer ?? 'SURVIVES', isDead: killer !== undefined }
  } finally {
    await writeFile(path, text)
  }
}

/** What notices something where nothing is switched off: it would notice every mutant. */
const failingAnyway = async (folder) =>
  (await killerOf(folder, 'gateway/')) ?? (await killerOf(folder, 'backends/'))

const tryAll = async (folder) => {
  console.error('First with nothing switched off, which takes a minute or two ...')
  const failing = await failingAnyway(folder)
  if (failing !== undefined) {
    console.error(`With nothing switched off: ${failing}. Mend that first.`)
    return false
  }
  const living = []
  for (const mutant of chosen) {
    const { name, fate, isDead } = await tryOne(folder, mutant)
    console.log(`${name.padEnd(66)}  ${fate.slice(0, 160)}`)
    if (!isDead) living.push(name)
  }
  console.log(`\n${chosen.length - living.length} of ${chosen.length} mutants were noticed`)
  if (living.length > 0) console.log(`Not noticed:\n  ${living.join('\n  ')}`)
  return living.length === 0
}

if (!(await build())) process.exit(1)
const folder = await makeCopy()
try {
  process.exitCode = (await tryAll(folder)) ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
