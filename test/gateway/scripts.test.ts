/** What the project's scripts say of themselves, and that they do so with Node alone, before anything is fetched or built. */
import test from 'ava'
import { execa } from 'execa'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gatewayFlags } from '../end-to-end/harness/service.js'

const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-scripts-'))
await cp(fileURLToPath(new URL('../../../scripts', import.meta.url)), join(folder, 'scripts'), {
  recursive: true,
})
test.after.always(() => rm(folder, { recursive: true, force: true }))

/** In a checkout that has the scripts only, with no npm, apt or compiler at hand. */
const run = async (name: string, args: readonly string[], variables = {}) => {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join('scripts', `${name}.mjs`), ...args],
    {
      cwd: folder,
      env: { PATH: '', ...variables },
      extendEnv: false,
      reject: false,
      timeout: 30_000,
    },
  )
  return { exitCode, stdout, stderr, left: await readdir(folder) }
}

const scripts: Readonly<Record<string, readonly string[]>> = {
  crash: ['--rounds <count>', '--seed <seed>', 'default: 200'],
  soak: ['--minutes <minutes>', '--clients <count>', '--seed <seed>', '--json', '--fuse'],
  stories: ['[word...]', '--compare', '--mount', '--webdav', '--json'],
  sim: ['--seed <seed>', '--histories <count>', '--steps <count>', '--workers <count>'],
  fuzz: ['--seed <seed>', '--count <count>', 'FUZZ_SEED', 'FUZZ_COUNT', 'default: 100000'],
  mutants: ['[word...]', '--list'],
  demo: ['--help'],
}

for (const [name, parts] of Object.entries(scripts)) {
  test.serial(`${name}: --help says what it does and what it takes`, async (t) => {
    const { exitCode, stdout, stderr, left } = await run(name, ['--help'])
    t.is(exitCode, 0)
    t.is(stderr, '')
    t.true(stdout.startsWith(`Usage: npm run ${name} `))
    for (const part of [...parts, 'Examples:', 'Exit codes:'])
      t.true(stdout.includes(part), part)
    t.deepEqual(left, ['scripts'])
  })
}

const bad: readonly (readonly [name: string, args: string, says: string])[] = [
  ...Object.keys(scripts).map((name) => [name, '--nonsense', "'--nonsense'"] as const),
  ['crash', '--rounds 0', '--rounds "0" must be a whole number from 1 on'],
  ['crash', '--rounds --seed 1', "'--rounds' argument is ambiguous"],
  ['soak', '--minutes soon', '--minutes "soon" must be a number above 0'],
  ['soak', '--fuse --clients 2', '--clients does not go with --fuse'],
  ['sim', '--seed -1', "'--seed' argument is ambiguous"],
  ['sim', '--histories 1.5', '--histories "1.5" must be'],
  ['fuzz', '--count many', '--count "many" must be'],
  ['mutants', 'rule nothing-like-it', 'no name contains "nothing-like-it"'],
  ['demo', 'quickly', "'quickly'"],
]

for (const [name, args, says] of bad) {
  test.serial(`${name}: "${args}" is refused in one line`, async (t) => {
    const { exitCode, stdout, stderr, left } = await run(name, args.split(' '))
    t.is(exitCode, 2)
    t.is(stdout, '')
    t.true(stderr.startsWith('error: '), stderr)
    t.true(stderr.includes(says), stderr)
    t.true(stderr.endsWith(`; see npm run ${name} -- --help`), stderr)
    t.false(stderr.includes('\n'), stderr)
    t.deepEqual(left, ['scripts'])
  })
}

test.serial('fuzz: a variable that is no number is refused by its name', async (t) => {
  const { exitCode, stderr } = await run('fuzz', [], { FUZZ_COUNT: 'none' })
  t.is(exitCode, 2)
  t.regex(stderr, /^error: FUZZ_COUNT "none" must be a whole number from 1 on; see [^\n]*$/)
})

test.serial('mutants: --list prints the names that contain a word', async (t) => {
  const { exitCode, stdout } = await run('mutants', ['--list', 'rule 1'])
  t.is(exitCode, 0)
  const names = stdout.split('\n')
  t.true(names.length > 1)
  t.true(names.every((line) => line.includes('rule 1')))
})

test.serial(
  'mutants: what each switches off stands once in the file that it names',
  async (t) => {
    const dist = fileURLToPath(new URL('../../', import.meta.url))
    const list = join(dist, '..', 'scripts', 'mutant-list.mjs')
    const { mutants } = (await import(list)) as { mutants: (readonly string[])[] }
    t.true(mutants.length > 100)
    for (const [name, file = '', text = ''] of mutants) {
      const compiled = await readFile(join(dist, file), 'utf8')
      t.is(compiled.split(text).length - 1, 1, name)
    }
  },
)

test('npm start hands Node the flags that the program itself does', async (t) => {
  const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { scripts } = JSON.parse(manifest) as { scripts: { start: string } }
  const flags = gatewayFlags().join(' ')
  t.regex(flags, /--max-semi-space-size=\d/)
  t.is(scripts.start, `exec node ${flags} scripts/start.mjs`)
})
