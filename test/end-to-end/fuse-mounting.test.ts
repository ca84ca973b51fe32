/** How a mount is asked for: of what, as whom, for whom; and what there is where it cannot be had. */
import type { ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Child } from './harness/child.js'
import { clientPath } from './harness/clients.js'
import { contentsOf, differences, MIB, writeFiles } from './harness/content.js'
import { journalOf } from './harness/facts.js'
import { gatewayCommand } from './harness/service.js'
import { backUp, soundness } from './harness/soundness.js'
import { canMount, MountFolder, removeLeftMounts } from './harness/test-mount.js'
import { testWhere } from './harness/test-with.js'
import { World } from './harness/world.js'

removeLeftMounts()

const run = promisify(execFile)

testWhere(canMount, 'restic-0.18')(
  'restic through a mount of a gateway elsewhere, of one of its repositories, and of a folder',
  async (t) => {
    const world = await World.open(t)
    const folder = await world.repository('0.18')
    const gateway = await world.gateway()
    const files = world.path('files')
    await writeFiles(files, 'one', { 'a/one': MIB, two: 1000 })
    const url = `http://127.0.0.1:${gateway.port}/`

    const whole = await world.mount(url, ['--as', 'desk'])
    await backUp(world, '0.18', whole.path('repo'), files)
    const one = await world.mount(`${url}repo`, ['--as', 'laptop'])
    t.deepEqual((await readdir(one.path())).sort(), [
      ...['config', 'data', 'index', 'keys', 'locks', 'snapshots'],
    ])
    await backUp(world, '0.18', one.path(), files)
    // The gateway that runs serves this one too.
    const local = await world.mount(world.repositories, ['--as', 'nas'])
    const saved = await backUp(world, '0.18', local.path('repo'), files)

    const target = world.path('restored')
    await world.run('0.18', ['-r', one.path(), 'restore', saved.snapshot, '--target', target])
    t.deepEqual(differences(saved.contents, await contentsOf(target)), [])
    t.deepEqual(await soundness(world, folder, [saved]), [])

    const records = await journalOf(world)
    const tags = records.flatMap(({ kind, tag }) => (kind === 'opened' ? [String(tag)] : []))
    t.is(new Set(tags).size, tags.length, 'each process has a tag of its own')
    for (const name of ['desk', 'laptop', 'nas']) {
      const isThere = tags.some((tag) => tag.startsWith(`${name}.`))
      t.true(isThere, `${name} among ${tags.join()}`)
    }
    const named = records.filter(
      ({ kind, object }) => kind === 'committed' && /^(index|snapshots)\//.test(String(object)),
    )
    t.true(named.length >= 4, `${named.length} were committed`)
    t.true(named.every(({ author }) => (author as { writer?: string }).writer !== undefined))
  },
)

testWhere(canMount, 'restic-0.18')('a read-only mount is read, and only read', async (t) => {
  const world = await World.open(t)
  const folder = await world.repository('0.18')
  const files = world.path('files')
  await writeFiles(files, 'one', { one: 1000 })
  const saved = await backUp(world, '0.18', folder, files)
  const mount = await world.mount(world.repositories, ['--read-only'])
  const repository = mount.path('repo')
  const target = world.path('restored')
  const reading = ['-r', repository, '--no-lock']
  await world.run('0.18', [...reading, 'check', '--read-data'])
  await world.run('0.18', [...reading, 'restore', 'latest', '--target', target])
  t.deepEqual(differences(saved.contents, await contentsOf(target)), [])
  const before = await contentsOf(folder)
  // It tries again for a quarter of an hour.
  const backup = world.restic('0.18', ['-r', repository, 'backup', files])
  await backup.says(/read-only file system/)
  await backup.kill()
  t.deepEqual(differences(before, await contentsOf(folder)), [])
})

testWhere(canMount, 'restic-0.18')(
  'other users of the machine are let in where they are to be, and only there',
  async (t) => {
    const world = await World.open(t)
    const folder = await world.repository('0.18')
    // Where anybody may go, unlike the folder of this test.
    const open = await mkdtemp(join(tmpdir(), 'lockkeeper-open-'))
    t.teardown(() => rm(open, { recursive: true }))
    await chmod(open, 0o777)
    const restic = join(open, 'restic')
    await copyFile(clientPath('restic-0.18'), restic)
    await chmod(restic, 0o755)
    const env = { ...world.environment(), HOME: open, TMPDIR: open }
    const asNobody = (repository: string) => {
      const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
      const backup = ['--no-cache', '-r', repository, 'backup', restic, '--json']
      return new Child('setpriv', [...nobody, restic, ...backup], { env, cwd: open }).ended
    }
    const closed = await world.mount(world.repositories)
    const refused = await asNobody(closed.path('repo'))
    t.not(refused.code, 0)
    t.regex(refused.stderr, /permission denied/)
    t.deepEqual(await readdir(join(folder, 'snapshots')), [])
    await closed.close()

    const mount = await world.mount(world.repositories, ['--allow-other'])
    const { code, stdout, stderr } = await asNobody(mount.path('repo'))
    t.is(code, 0, stdout + stderr)
    t.is((await readdir(join(folder, 'snapshots'))).length, 1)
    t.deepEqual(await soundness(world, folder, []), [])
  },
)

/** What a gateway with a mount says and serves where the system has no mounts: all but the mount. */
const servesWithout = async (
  t: ExecutionContext,
  launch: { env?: Record<string, string>; under?: [string, ...string[]] },
): Promise<string> => {
  const world = await World.open(t)
  const mount = await MountFolder.make()
  t.teardown(() => mount.remove())
  const gateway = await world.gateway({ args: ['--fuse', mount.path], ...launch })
  const { output } = await gateway.child.says(/WARNING: .*/).then(() => gateway.child)
  t.regex(output, /serves .* at http/)
  t.false(mount.isMounted)
  await world.run('0.18', ['-r', gateway.url('repo'), 'init'])
  const { code } = await gateway.stop()
  t.is(code, 0)
  const warning = /WARNING: (.*)/.exec(output)?.[1] ?? ''
  const [file, ...args] = gatewayCommand(['mount', world.repositories, mount.path])
  const [under = file, ...flags] = launch.under ?? []
  const words = launch.under === undefined ? args : [...flags, file, ...args]
  const env = { ...world.environment(), ...launch.env }
  const alone = await new Child(under, words, { env }).ended
  t.is(alone.code, 3, alone.stderr)
  t.true(alone.stderr.includes(warning.replace(/^.*?": /, '')), `${warning}\n${alone.stderr}`)
  return warning
}

testWhere(canMount, 'restic-0.18')(
  'without fuse-native a gateway says so, and serves the rest',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-hidden-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const hook = `export const resolve = (name, context, next) => {
      if (name !== 'fuse-native') return next(name, context)
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    }`
    await writeFile(join(folder, 'hook.mjs'), hook)
    const hide = `import { register } from 'node:module'; register('./hook.mjs', import.meta.url)`
    await writeFile(join(folder, 'hide.mjs'), hide)
    const env = { NODE_OPTIONS: `--import ${join(folder, 'hide.mjs')}` }
    t.regex(await servesWithout(t, { env }), /fuse-native is not installed.*npm install/)
  },
)

testWhere(canMount, 'restic-0.18')(
  'without /dev/fuse a gateway says so, and serves the rest',
  async (t) => {
    const script = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"'
    const under = ['unshare', '-m', 'sh', '-c', script, 'sh'] as [string, ...string[]]
    t.regex(await servesWithout(t, { under }), /no \/dev\/fuse.*modprobe fuse/)
  },
)

testWhere(canMount, 'restic-0.18')(
  'a gateway that reads its own mount is told so, and waits for nobody',
  async (t) => {
    const world = await World.open(t)
    await world.repository('0.18')
    const mount = await MountFolder.make()
    t.teardown(() => mount.remove())
    const passwords = world.path('passwords')
    const link = world.path('link')
    await writeFile(passwords, '')
    await symlink(passwords, link)
    const args = ['--fuse', mount.path, '--plain-files', '--htpasswd-file', link]
    const gateway = await world.gateway({ args })
    // What it reads again from here on lies on its own mount.
    await writeFile(join(mount.path, 'passwords'), 'anna:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n')
    await rm(link)
    await symlink(join(mount.path, 'passwords'), link)
    gateway.child.signal('SIGHUP')
    await gateway.child.says(/cannot be read, its last contents stay in force.*error -35/)
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/repo/config`, {
      method: 'HEAD',
    })
    t.is(answer.status, 401, 'it answers, and the passwords of before are in force')
    // Everybody else on this machine may walk through it, also while it is written to.
    const { stdout } = await run('find', [mount.path, '-type', 'f'])
    t.true(stdout.includes('/repo/config') && stdout.includes('/passwords'))
    await run('sync', ['-f', mount.path])
    await run('df', [mount.path])
    await run('du', ['-s', mount.path])
    t.notRegex(gateway.child.output, /a call on the mount failed/)
    const { code } = await gateway.stop()
    t.is(code, 0)
    t.false(mount.isMounted)
  },
)
