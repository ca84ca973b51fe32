/** What the project's scripts say of themselves, and that they do so with Node alone, before anything is fetched or built. */
import test from 'ava'
import { execa } from 'execa'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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

test.serial('start: a Node that is too old is told which to install', async (t) => {
  const older = "Object.defineProperty(process, 'version', { value: 'v18.20.4' })"
  const variables = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}`,
  }
  const { exitCode, stdout, stderr, left } = await run('start', [], variables)
  t.is(exitCode, 1)
  t.is(stdout, '')
  t.regex(
    stderr,
    /^error: Lockkeeper needs Node 20 or newer, and this is v18\.20\.4\. .*nvm install/,
  )
  t.deepEqual(left, ['scripts'])
})

test.serial('start: compiling the packages gives a sign of life', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'lockkeeper-start-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  await cp(join(folder, 'scripts'), join(home, 'scripts'), { recursive: true })
  await writeFile(join(home, 'tsconfig.json'), '{"include": []}')
  await writeFile(join(home, 'package.json'), '{}')
  await writeFile(join(home, 'package-lock.json'), '{}')
  // An npm that installs at once, and compiles until somebody has seen that it does.
  const npm = `#!/bin/sh
    case $1 in
      ci) mkdir -p node_modules && : >node_modules/.package-lock.json ;;
      rebuild) while [ ! -e seen ]; do sleep 0.1; done; exit 1 ;;
    esac`
  await mkdir(join(home, 'bin'))
  await writeFile(join(home, 'bin', 'npm'), npm, { mode: 0o755 })
  const quick = (await readFile(join(home, 'scripts', 'prepare.mjs'), 'utf8')).replace(
    /SIGN_OF_LIFE_MS = [\d_]+/,
    'SIGN_OF_LIFE_MS = 10',
  )
  await writeFile(join(home, 'scripts', 'prepare.mjs'), quick)
  const env = { PATH: `${join(home, 'bin')}:${process.env.PATH ?? ''}` }
  const child = execa(process.execPath, ['scripts/prepare.mjs'], {
    cwd: home,
    env,
    reject: false,
  })
  for await (const line of child) {
    if (!line.includes('still compiling')) continue
    t.regex(line, /\d+ s so far/)
    await writeFile(join(home, 'seen'), '')
    break
  }
  const { stdout } = await child
  t.regex(stdout, /Compiling what packages bring/)
})

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
