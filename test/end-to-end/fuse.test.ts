/** The mount with real programs: restic's and borg's whole cycles, what is refused, many processes, and sudden deaths. */
import type { ExecutionContext } from 'ava'
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Child } from './harness/child.js'
import { clientPath, RESTIC_VERSIONS } from './harness/clients.js'
import { contentsOf, differences, MIB, randomBytes, writeFiles } from './harness/content.js'
import { journalOf, quarantineOf, statusOf } from './harness/facts.js'
import { gatewayCommand } from './harness/service.js'
import { startSleeper } from './harness/sleeper.js'
import { backUp, soundness } from './harness/soundness.js'
import {
  canMount,
  MountFolder,
  mountedFolders,
  removeLeftMounts,
} from './harness/test-mount.js'
import { testWhere } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { expectSuccess, World } from './harness/world.js'
import { helperOf, vitalsOf } from '../soak/vitals.js'

removeLeftMounts()

/** A gateway that mounts its repositories itself; killing it leaves the mount to whoever comes next. */
const serveMounted = async (t: ExecutionContext, world: World, flags: string[] = []) => {
  const folder = await MountFolder.make()
  t.teardown(() => folder.remove())
  const start = async (): Promise<Child> => {
    const [file, ...args] = gatewayCommand([
      ...['serve', '--path', world.repositories, '--listen', '127.0.0.1:0'],
      ...['--fuse', folder.path, ...flags],
    ])
    const child = new Child(file, args, { env: world.environment() })
    t.teardown(() => child.kill())
    await child.says(/Look at it:/)
    return child
  }
  return { folder, start, path: (...names: string[]) => join(folder.path, ...names) }
}

const errorOf = async (act: Promise<unknown>): Promise<string | undefined> => {
  try {
    await act
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

/** Writes an object the way restic does. */
const save = async (folder: string, bytes: Buffer, name = digestOf(bytes)): Promise<void> => {
  const temporary = join(folder, `${name}-tmp-123`)
  const file = await open(temporary, 'wx+', 0o600)
  try {
    await file.write(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(folder, name))
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A program that lets no moment pass in which it could write into the bare folder beneath the mount. */
const startTrespasser = (t: ExecutionContext, world: World, mount: string): Child => {
  const script = `
    const fs = require('fs'), folder = process.argv[1] + '/repo/data/00'
    const pause = new Int32Array(new SharedArrayBuffer(4)), seen = new Set()
    const attempt = () => {
      try { fs.mkdirSync(folder, { recursive: true }); fs.writeFileSync(folder + '/trespasser', 'x'); return 'written' }
      catch (error) { return error.code }
    }
    for (;;) {
      const answer = attempt()
      if (!seen.has(answer)) console.log(answer)
      seen.add(answer); Atomics.wait(pause, 0, 0, 5)
    }`
  const child = new Child(process.execPath, ['-e', script, mount], { env: world.environment() })
  t.teardown(() => child.kill())
  return child
}

for (const version of RESTIC_VERSIONS) {
  testWhere(
    canMount,
    `restic-${version}`,
    'restic-0.18',
  )(`restic ${version}: its whole cycle on a mount`, async (t) => {
    const world = await World.open(t)
    const mount = await world.mount(world.repositories, ['--as', 'laptop'])
    const repository = mount.path('repo')
    const run = (...args: string[]) => world.run(version, ['-r', repository, ...args])
    const files = world.path('files')
    await run('init')
    await writeFiles(files, 'one', { 'a/one': 3 * MIB, two: 1000, empty: 0 })
    await backUp(world, version, repository, files)
    await writeFiles(files, 'two', { 'a/three': 3 * MIB })
    await backUp(world, version, repository, files)
    await rm(join(files, 'a/one'))
    const saved = await backUp(world, version, repository, files)
    await run('tag', '--add', 'kept', saved.snapshot).catch(() => undefined)
    await run('snapshots')
    await run('key', 'list')
    await run('forget', '--keep-last', '1', '--prune')
    await run(...(version === '0.14' ? ['rebuild-index'] : ['repair', 'index']))
    await run('check', '--read-data')
    const target = world.path('restored')
    await run('restore', 'latest', '--target', target)
    t.deepEqual(differences(saved.contents, await contentsOf(target)), [])
    t.deepEqual(await soundness(world, join(world.repositories, 'repo'), []), [])
    t.deepEqual(await quarantineOf(world), [])
    const status = await statusOf(world)
    const names = status.flatMap(({ writers }) => writers.map(({ client }) => String(client)))
    t.true(
      names.every((name) => name.startsWith('laptop')),
      names.join(),
    )
    const refused = (await journalOf(world)).filter(({ kind }) => kind === 'refused')
    t.deepEqual(refused, [])
  })
}

testWhere(canMount, 'borg')('borg 1.2: its whole cycle beside the repositories', async (t) => {
  const world = await World.open(t)
  const mount = await world.mount(world.repositories, ['--plain-files'])
  const repository = mount.path('borg')
  const env = {
    ...world.environment(),
    BORG_PASSPHRASE: 'x',
    BORG_BASE_DIR: world.path('home'),
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  }
  const files = world.path('files')
  const borg = (cwd: string, ...args: string[]) =>
    expectSuccess(new Child(clientPath('borg'), args, { env, cwd }))
  await borg(world.folder, 'init', '-e', 'repokey', repository)
  await writeFiles(files, 'one', { 'a/one': 3 * MIB, two: 1000 })
  await borg(files, 'create', `${repository}::one`, '.')
  await writeFiles(files, 'two', { 'a/three': 3 * MIB })
  await rm(join(files, 'a/one'))
  await borg(files, 'create', `${repository}::two`, '.')
  const contents = await contentsOf(files)
  await borg(world.folder, 'check', '--verify-data', repository)
  await borg(world.folder, 'delete', `${repository}::one`)
  await borg(world.folder, 'prune', '--keep-last', '1', repository)
  await borg(world.folder, 'compact', repository)
  const target = world.path('restored')
  await mkdir(target)
  await borg(target, 'extract', `${repository}::two`)
  t.deepEqual(differences(contents, await contentsOf(target)), [])
  // It lies there as it is, past the mount.
  await borg(world.folder, 'check', join(world.repositories, 'borg'))
})

testWhere(canMount, 'restic-0.18')('inside a repository only its objects are', async (t) => {
  const world = await World.open(t)
  await world.repository('0.18')
  const { path, start } = await serveMounted(t, world)
  await start()
  const bytes = randomBytes('a pack', 3 * MIB)
  const name = digestOf(bytes)
  const packs = path('repo', 'data', name.slice(0, 2))

  t.deepEqual((await readdir(path('repo'))).sort(), [
    ...['config', 'data', 'index', 'keys', 'locks', 'snapshots'],
  ])
  t.is((await readdir(path('repo', 'data'))).length, 256)
  await save(packs, bytes)
  t.true((await readFile(join(packs, name))).equals(bytes))
  t.true(
    (await readFile(join(world.repositories, 'repo/data', name.slice(0, 2), name))).equals(
      bytes,
    ),
  )
  t.deepEqual(await readdir(packs), [name])
  await save(packs, bytes)
  t.pass('the same bytes again')

  const other = randomBytes('another', 1000)
  t.is(await errorOf(save(packs, other, name)), 'EIO', 'its name is not its hash')
  t.is(await errorOf(writeFile(path('repo', 'notes.txt'), 'x')), 'EACCES')
  t.is(await errorOf(writeFile(path('repo', 'keys', 'x'), 'x')), 'EACCES')
  t.is(await errorOf(writeFile(join(packs, name), 'x')), 'EACCES')
  t.is(await errorOf(writeFile(path('notes.txt'), 'x')), 'EACCES')
  t.is(await errorOf(mkdir(path('repo', 'more'))), 'EACCES')
  t.is(await errorOf(rename(join(packs, name), join(packs, 'x'))), 'EACCES')
  t.is(await errorOf(unlink(join(packs, name))), 'EACCES', 'this process has not begun')
  t.is(await errorOf(stat(path('.lockkeeper'))), 'ENOENT')
  t.is(await errorOf(stat(path('repo', '..', 'nowhere', 'config'))), 'ENOENT')

  const keys = await readdir(path('repo', 'keys'))
  const unfinished = `${digestOf(other)}-tmp-1`
  await writeFile(path('repo', 'keys', unfinished), other)
  t.deepEqual((await readdir(path('repo', 'keys'))).sort(), [...keys, unfinished].sort())
  await unlink(path('repo', 'keys', unfinished))
  t.deepEqual(await readdir(path('repo', 'keys')), keys)
  t.deepEqual(await soundness(world, path('repo'), []), [])
})

testWhere(canMount, 'restic-0.18')('a hundred processes at once are told apart', async (t) => {
  const world = await World.open(t)
  const folder = await world.repository('0.18')
  const { path, start } = await serveMounted(t, world)
  const gateway = await start()
  const helper = await helperOf(gateway.pid ?? 0)
  const before = await vitalsOf(helper)
  const count = 100
  // Each opens the repository, writes a pack, and an index under a name of its own, as one process.
  const script = `
    const fs = require('fs'), crypto = require('crypto'), [, base, seed] = process.argv
    const save = (type, bytes) => {
      const name = crypto.createHash('sha256').update(bytes).digest('hex')
      const folder = base + '/' + type + (type === 'data' ? '/' + name.slice(0, 2) : '')
      const file = folder + '/' + name + '-tmp-' + process.pid
      const fd = fs.openSync(file, 'wx+'); fs.writeSync(fd, bytes); fs.fsyncSync(fd); fs.closeSync(fd)
      fs.renameSync(file, folder + '/' + name); return folder + '/' + name
    }
    fs.statSync(base + '/config')
    const lock = save('locks', Buffer.from('lock ' + seed))
    fs.readdirSync(base + '/index')
    save('data', crypto.createHash('sha512').update(seed).digest())
    save('index', Buffer.from('index ' + seed))
    fs.unlinkSync(lock)`
  const children = Array.from({ length: count }, (_, seed) => {
    const args = ['-e', script, path('repo'), String(seed)]
    return new Child(process.execPath, args, { env: world.environment() })
  })
  await Promise.all(children.map((child) => expectSuccess(child)))
  t.is((await readdir(join(folder, 'index'))).length, count)
  t.deepEqual(await readdir(join(folder, 'locks')), [])
  const records = await journalOf(world)
  const authorOf = (record: Record<string, unknown>): { kind?: string; writer?: string } =>
    record.author ?? {}
  const ofNobody = records.filter((record) => authorOf(record).kind === 'unknown')
  t.deepEqual(ofNobody, [])
  t.deepEqual(
    records.filter(({ kind }) => kind === 'refused' || kind === 'knocked'),
    [],
  )
  const indexes = records.filter(({ kind, object }) => {
    return kind === 'committed' && String(object).startsWith('index/')
  })
  const authors = new Set(indexes.map((record) => authorOf(record).writer))
  t.is(authors.size, count, 'each index has an author of its own')
  t.false(authors.has(undefined))
  t.is(records.filter(({ kind }) => kind === 'ended').length, count)
  await eventually('the helper to let go of what it held for them', async () => {
    const { threads, descriptors } = await vitalsOf(helper)
    return threads <= before.threads + 16 && descriptors <= before.descriptors + 8
  })
})

testWhere(canMount, 'restic-0.18')(
  'a backup goes on over the death of its gateway, and of its helper',
  async (t) => {
    const world = await World.open(t)
    const folder = await world.repository('0.18')
    const { folder: mount, path, start } = await serveMounted(t, world)
    const first = await start()
    const trespasser = startTrespasser(t, world, mount.path)
    const sleeper = await startSleeper(world, {
      version: '0.18',
      repository: path('repo'),
      folder,
      seed: 'live',
    })
    await first.kill()
    await trespasser.says(/ENOTCONN|ECONNABORTED/)
    const second = await start()
    const helper = await helperOf(second.pid ?? 0)
    process.kill(helper, 'SIGKILL')
    await second.says(/mounted again/)
    t.notRegex(trespasser.output, /written/)
    await trespasser.kill()
    t.is((await sleeper.finish()).code, 0, sleeper.child.output)
    t.deepEqual(await soundness(world, folder, []), [])
    t.is((await readdir(join(folder, 'snapshots'))).length, 1)
    t.deepEqual(await quarantineOf(world), [])
    const kinds = (await journalOf(world)).filter(({ kind }) => kind === 'opened')
    t.is(kinds.length, 1, 'it is one writer all along')

    second.signal('SIGTERM')
    t.is((await second.ended).code, 0)
    t.false(mount.isMounted)
    t.deepEqual(await readdir(mount.path), [], 'nothing was written beneath the mount')
  },
)

testWhere(canMount, 'restic-0.18')('a mount in use goes away with its gateway', async (t) => {
  const world = await World.open(t)
  await world.repository('0.18')
  const { path, folder, start } = await serveMounted(t, world)
  const gateway = await start()
  const name = digestOf(Buffer.from('x'))
  const file = await open(path('repo', 'keys', `${name}-tmp-1`), 'wx')
  await file.write('x')
  gateway.signal('SIGTERM')
  const { code } = await gateway.ended
  t.is(code, 0)
  t.false(mountedFolders().includes(folder.path))
  t.not(await errorOf(file.write('y')), undefined, 'nobody waits for ever')
  await file.close().catch(() => undefined)
  t.is(await errorOf(access(path('repo'))), 'ENOENT')
  t.deepEqual(
    await readdir(join(world.repositories, 'repo', 'keys')).then((names) => names.length),
    1,
  )
})

testWhere(canMount)('what cannot be mounted is said, and leaves nothing', async (t) => {
  const world = await World.open(t)
  const fail = async (...args: string[]): Promise<string> => {
    const [file, ...rest] = gatewayCommand(args)
    const { code, stderr } = await new Child(file, rest, { env: world.environment() }).ended
    t.is(code, args.includes('--as') ? 2 : 3, stderr)
    return stderr
  }
  const folder = await MountFolder.make()
  t.teardown(() => folder.remove())
  const { repositories } = world
  t.regex(await fail('mount', repositories, world.path('nowhere')), /is not a folder/)
  t.regex(await fail('mount', repositories, repositories), /lie in each other/)
  await mkdir(join(repositories, 'inside'))
  t.regex(await fail('mount', repositories, join(repositories, 'inside')), /lie in each other/)
  t.regex(await fail('mount', repositories, world.path('tmp', '..')), /lie in each other|empty/)
  t.regex(await fail('mount', repositories, folder.path, '--as', 'a b'), /--as/)
  await writeFile(join(folder.path, 'x'), '')
  t.regex(await fail('mount', repositories, folder.path), /not empty/)
  await unlink(join(folder.path, 'x'))
  t.false(folder.isMounted)

  const mount = await world.mount(repositories)
  const { path } = mount.folder
  t.regex(await fail('mount', repositories, path), /mounted by another Lockkeeper/)
})
