/** Real programs at the WebDAV door: cadaver and a davfs2 mount, on plain files and on a repository. */
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { openPlainDoor, type PlainDoor } from '../gateway/dav-client.js'
import { nameOf } from '../gateway/door.js'
import { ask } from '../gateway/raw-client.js'
import { Child } from './harness/child.js'
import { programs, testWithProgram } from './harness/system.js'
import { eventually } from './harness/wait.js'

async function openWithRepository(t: ExecutionContext): Promise<PlainDoor> {
  const door = await openPlainDoor(t)
  await ask(door.port, 'POST', '/repo/?create=true')
  await ask(door.port, 'POST', '/repo/config', { body: 'config' })
  await ask(door.port, 'POST', `/repo/${nameOf('keys', 'key')}`, { body: 'key' })
  return door
}

async function emptyFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-programs-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

testWithProgram('cadaver')('a session with cadaver', async (t) => {
  const door = await openWithRepository(t)
  const folder = await emptyFolder(t)
  await writeFile(join(folder, 'letter.txt'), 'dear reader')
  const env = { PATH: process.env.PATH ?? '', HOME: folder }
  const cadaver = new Child(programs.cadaver, [`${door.url}-/dav/`], {
    env,
    cwd: folder,
    isStdinOpen: true,
  })
  const commands = [
    ...['ls', 'mkcol docs', 'cd docs', 'put letter.txt', 'copy letter.txt copy.txt'],
    ...['move copy.txt moved.txt', 'lock moved.txt', 'discover moved.txt', 'unlock moved.txt'],
    ...['propset moved.txt colour red', 'propget moved.txt colour', 'get letter.txt back.txt'],
    ...[
      'delete letter.txt',
      'cd ..',
      'ls repo',
      'delete repo/config',
      'rmcol repo',
      'quit',
      '',
    ],
  ]
  await cadaver.feed(Buffer.from(commands.join('\n')))
  cadaver.endInput()
  const { stdout } = await cadaver.ended
  t.is(await readFile(join(folder, 'back.txt'), 'utf8'), 'dear reader')
  t.deepEqual(await readdir(join(door.root, 'docs')), ['moved.txt'])
  t.regex(stdout, /Coll:\s+repo/)
  t.regex(stdout, /urn:uuid:/)
  t.regex(stdout, /colour: red|red/)
  t.regex(stdout, /config\s+6/)
  t.true(
    (await readdir(join(door.root, 'repo'))).includes('keys'),
    'a repository is not removed',
  )
})

interface Mount {
  readonly folder: string
  readonly unmount: () => Promise<void>
}

/** davfs2's own configuration, so that the machine's says nothing; the mount goes away with the test. */
async function mountDavfs(t: ExecutionContext, url: string): Promise<Mount> {
  const folder = await emptyFolder(t)
  const [mount, cache, config] = ['mount', 'cache', 'davfs2.conf'].map((name) =>
    join(folder, name),
  )
  await mkdir(mount ?? '')
  await mkdir(cache ?? '')
  // The mount's process gives up root for a user of its own.
  await chmod(folder, 0o755)
  await chmod(cache ?? '', 0o777)
  const settings = [`cache_dir ${cache ?? ''}`, 'ask_auth 0', 'delay_upload 0', 'dir_refresh 1']
  await writeFile(config ?? '', `${settings.join('\n')}\n`, { mode: 0o600 })
  const env = { PATH: `/usr/sbin:/sbin:${process.env.PATH ?? ''}`, HOME: folder }
  const run = async (file: string, ...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await new Child(file, args, { env }).ended
    if (code !== 0) throw new Error(`${file}: exit ${code ?? '?'}: ${stderr}`)
  }
  let isMounted = true
  const unmount = async (): Promise<void> => {
    if (isMounted) await run('umount', mount ?? '')
    isMounted = false
  }
  await run('mount', '-t', 'davfs', '-o', `conf=${config ?? ''},nodev,nosuid`, url, mount ?? '')
  t.teardown(() => unmount().catch(() => run('umount', '-l', mount ?? '')))
  return { folder: mount ?? '', unmount }
}

testWithProgram('mount.davfs', '/dev/fuse')('a mount by davfs2', async (t) => {
  const door = await openWithRepository(t)
  const { folder, unmount } = await mountDavfs(t, `${door.url}-/dav/`)
  // davfs2 1.6.1 cannot list folders on new kernels (seen on 6.18), whatever the server.
  const names = await readdir(folder).catch((error: unknown) => {
    if (!String(error).includes('EINVAL')) throw error
    t.log('this kernel cannot list the folders of a davfs2 mount')
  })
  if (names !== undefined) t.true(names.includes('repo'))
  t.is(await readFile(join(folder, 'repo', 'config'), 'utf8'), 'config')
  t.is(await readFile(join(folder, 'repo', nameOf('keys', 'key')), 'utf8'), 'key')
  await mkdir(join(folder, 'docs'))
  await writeFile(join(folder, 'docs', 'a b.txt'), 'first')
  await writeFile(join(folder, 'docs', 'a b.txt'), 'second, longer')
  await eventually('davfs2 to upload', async () => {
    return (
      (await readFile(join(door.root, 'docs', 'a b.txt'), 'utf8').catch(() => '')) ===
      'second, longer'
    )
  })
  await t.throwsAsync(rm(join(folder, 'repo', 'config')))
  await unmount()
  t.is(await readFile(join(door.root, 'repo', 'config'), 'utf8'), 'config')
})
