/** What cannot work gets a clear error and changes nothing. */
import type { ExecutionContext } from 'ava'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, open, readdir, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Child, type Ended } from './harness/child.js'
import { contentsOf, MIB, writeFiles, type Contents } from './harness/content.js'
import { Guarded } from './harness/guarded.js'
import { freePort, gatewayCommand } from './harness/service.js'
import { backUp } from './harness/soundness.js'
import { testWhere, testWith } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

const VERSION = '0.18'
const testHere = testWith('restic-0.18')
/** Mounting takes a right that even root may lack in a container; tried where nobody else sees it. */
const canMount = ((): boolean => {
  const mount = ['--mount', 'mount', '-t', 'tmpfs', 'lockkeeper-test', '/mnt']
  return spawnSync('unshare', mount).status === 0
})()

/** Starts a gateway that must not come up; answers what it said. */
const startInVain = async (world: World, path: string, port: number): Promise<Ended> => {
  const flags = ['serve', '--path', path, '--listen', `127.0.0.1:${port}`]
  const [file, ...args] = gatewayCommand(flags)
  const child = new Child(file, args, { env: world.environment() })
  const ended = await child.ended
  if (ended.code === 0) throw new Error(`it served:\n${child.output}`)
  return ended
}

const assertSaysOnly = (t: ExecutionContext, { stderr }: Ended, words: RegExp): void => {
  t.regex(stderr, words)
  t.notRegex(stderr, /\bbug\b|\n +at /, 'an expected error shows no stack')
}

/** The repository alone, without the gateway's own folder beside it. */
const repositoryOf = async (repo: Guarded): Promise<Contents> => contentsOf(repo.folder)

testHere('a port in use', async (t) => {
  const repo = await Guarded.open(t, VERSION)
  const other = repo.world.path('other')
  await mkdir(other)
  const ended = await startInVain(repo.world, other, repo.gateway.port)
  assertSaysOnly(t, ended, new RegExp(`:${repo.gateway.port}\\b`))
  t.deepEqual(await readdir(other), [])
  t.deepEqual(await repo.problems([], 1), [])
})

testHere('a second gateway on one folder', async (t) => {
  const repo = await Guarded.open(t, VERSION)
  const ended = await startInVain(repo.world, repo.world.repositories, await freePort())
  const { pid } = repo.gateway.child
  assertSaysOnly(t, ended, new RegExp(`process ${pid ?? '?'}\\b`))
  t.deepEqual(await repo.problems([], 1), [])
})

testHere('a folder that is a file, or below one', async (t) => {
  const world = await World.open(t)
  const file = world.path('file')
  await writeFile(file, 'kept')
  for (const path of [file, join(file, 'below')])
    assertSaysOnly(t, await startInVain(world, path, await freePort()), /is a file/)
  t.is((await stat(file)).size, 4)
})

testHere('a damaged state: reads are served, writes are refused', async (t) => {
  const repo = await Guarded.open(t, VERSION)
  await writeFiles(repo.world.path('files'), 'kept', { kept: MIB })
  const saved = await repo.backUp()
  await repo.gateway.stop()
  const before = await repositoryOf(repo)
  const journal = await open(
    join(repo.world.repositories, '.lockkeeper', 'journal.sqlite'),
    'r+',
  )
  await journal.write(Buffer.alloc(4096, 'damage'), 0, 4096, 0)
  await journal.close()

  await repo.gateway.start()
  await repo.gateway.child.says(/journal.*damaged.*move all of .* out of the way/s)
  const target = repo.world.path('restored')
  await repo.run('restore', saved.snapshot, '--target', target, '--no-lock')
  t.deepEqual([...(await contentsOf(target))], [...saved.contents])
  const backup = repo.start(['backup', repo.world.path('files')])
  await backup.says(/journal cannot be read/)
  await backup.kill()
  t.deepEqual(await repositoryOf(repo), before)
})

testWhere(canMount, 'restic-0.18')('a full disk', async (t) => {
  const world = await World.open(t)
  await mountTemporary(world, ['size=64m'], world.repositories)
  const folder = await world.repository(VERSION)
  const repo = new Guarded(world, VERSION, await world.gateway(), folder)
  await writeFiles(world.path('files'), 'kept', { kept: MIB })
  const saved = await repo.backUp()
  await writeFiles(world.path('large'), 'large', { large: 100 * MIB })
  const backup = repo.start(['backup', world.path('large')])
  await backup.says(/: 507 No space left/)
  await backup.kill()

  t.deepEqual(await halfWritten(folder), [])
  const staging = join(world.repositories, '.lockkeeper', 'staging')
  await eventually('an empty staging', async () => (await readdir(staging)).length === 0)
  const args = ['-r', folder, 'check', '--read-data', '--no-lock', '--no-cache']
  await world.run(VERSION, args)
  // Room is made by an honest prune of what the broken backup left behind.
  await repo.run('unlock', '--remove-all')
  await repo.run('prune')
  await writeFiles(world.path('files'), 'more', { more: MIB })
  const more = await backUp(world, VERSION, repo.url, world.path('files'))
  t.deepEqual(await repo.problems([saved, more], 2), [])
})

/** The packs whose name is not the hash of their content. */
const halfWritten = async (folder: string): Promise<readonly string[]> => {
  const packs = [...(await contentsOf(join(folder, 'data')))]
  return packs.filter(([path, sha256]) => basename(path) !== sha256).map(([path]) => path)
}

/** A small file system of its own, gone again when the test ends. */
const mountTemporary = async (
  world: World,
  options: readonly string[],
  folder = world.path('mounted'),
): Promise<string> => {
  await mkdir(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'lockkeeper-test', folder])
  world.onClose(() => {
    execFileSync('umount', ['--lazy', folder])
  })
  return folder
}
