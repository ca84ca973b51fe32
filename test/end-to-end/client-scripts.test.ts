/** The script that stands in the place of restic: which words it changes, and real restic behind it at a gateway. */
import test from 'ava'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { tagPattern } from '../../gateway/program/writer-tag.js'
import { Child, type Ended } from './harness/child.js'
import { clientPath, projectRoot } from './harness/clients.js'
import { statusOf } from './harness/facts.js'
import { testWith } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

const script = join(projectRoot, 'config', 'clients', 'restic.sh')

/** A restic that says what it was given. */
const echo = `#!/bin/sh
echo "\${RESTIC_REPOSITORY-}|\${RESTIC_REPOSITORY_FILE-}|\${RCLONE_WEBDAV_URL-}"
for word in "$@"; do echo "[$word]"; done
exit 7`

const tagged = 'rest:http://h:1/-/w/T/a/b'
const plain = 'rest:http://h:1/a/b'
type Case = readonly [
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  expected: string,
]
const cases: readonly Case[] = [
  [['-r', plain, 'backup', 'x y', '', '*'], {}, `||[-r][${tagged}][backup][x y][][*]`],
  [['--repo', plain], {}, `||[--repo][${tagged}]`],
  [[`--repo=${plain}`, '--', '-r', plain], {}, `||[--repo=${tagged}][--][-r][${plain}]`],
  [[`-r=${plain}`], {}, `||[-r=${tagged}]`],
  [[`-r${plain}`], {}, `||[-r${tagged}]`],
  [['-r', 'rest:https://u:p@[::1]:8'], {}, '||[-r][rest:https://u:p@[::1]:8/-/w/T/]'],
  [['-r', 'rest:http+unix:///l:/a'], {}, '||[-r][rest:http+unix:///l:/-/w/T/a]'],
  [['-r', 'rest:http+unix:///l'], {}, '||[-r][rest:http+unix:///l:/-/w/T/]'],
  [['-r', 'rest:http://h/-/w/mine/a'], {}, '||[-r][rest:http://h/-/w/mine/a]'],
  [['-r', 's3:https://h/a'], {}, '||[-r][s3:https://h/a]'],
  [['-r'], {}, '||[-r]'],
  [[], {}, '||'],
  [['check'], { RESTIC_REPOSITORY: plain }, `${tagged}||[check]`],
  [['check'], { RESTIC_REPOSITORY: '/srv/a' }, '/srv/a||[check]'],
  [['-r', '/srv/a'], { RESTIC_REPOSITORY: plain }, `${plain}||[-r][/srv/a]`],
  [['check'], { RESTIC_REPOSITORY_FILE: 'address' }, `${tagged}||[check]`],
  [['check'], { RESTIC_REPOSITORY_FILE: 'none' }, '|none|[check]'],
  [['--repository-file', 'address', 'check'], {}, `${tagged}||[check]`],
  [['--repository-file=address'], {}, `${tagged}||`],
  [['--repository-file', 'none', 'check'], {}, '||[--repository-file][none][check]'],
  [['a'], { RCLONE_WEBDAV_URL: 'http://h/-/dav' }, '||http://h/-/w/T/-/dav[a]'],
  [['a'], { RCLONE_WEBDAV_URL: 'http://h/-/dav/x' }, '||http://h/-/w/T/-/dav/x[a]'],
  [['a'], { RCLONE_WEBDAV_URL: 'http://h/dav' }, '||http://h/dav[a]'],
]

for (const shell of ['dash', 'bash']) {
  test(`${shell}: the address gets the tag, and all else passes unchanged`, async (t) => {
    const world = await World.open(t)
    const program = world.path('restic')
    await writeFile(program, echo, { mode: 0o755 })
    await writeFile(world.path('address'), plain)
    for (const [args, env, expected] of cases) {
      const around = { ...world.environment(), LOCKKEEPER_RESTIC: program, LOCKKEEPER_TAG: 'T' }
      const child = new Child(shell, [script, ...args], {
        env: { ...around, ...env },
        cwd: world.folder,
      })
      const { code, stdout } = await child.ended
      t.is(stdout.replaceAll('\n', ''), expected)
      t.is(code, 7)
    }
  })
}

for (const version of ['0.14', '0.18'] as const) {
  testWith(`restic-${version}`)(
    `restic ${version}: the script in its place shows its tag, its exit code and takes its signals`,
    async (t) => {
      const world = await World.open(t)
      await world.repository(version)
      const gateway = await world.gateway()
      // As it is installed: under restic's name, before the real one in PATH.
      const [ours, real] = [world.path('ours'), world.path('real')]
      await mkdir(ours)
      await mkdir(real)
      await copyFile(script, join(ours, 'restic'))
      await chmod(join(ours, 'restic'), 0o755)
      await copyFile(clientPath(`restic-${version}`), join(real, 'restic'))
      await chmod(join(real, 'restic'), 0o755)
      const PATH = [ours, real, process.env.PATH ?? ''].join(delimiter)
      const env = { ...world.environment(), PATH, RESTIC_REPOSITORY: gateway.url('repo') }
      const run = (...args: readonly string[]): Promise<Ended> =>
        new Child(join(ours, 'restic'), args, { env }).ended

      const saved = await run('backup', script)
      t.is(saved.code, 0, saved.stderr)
      t.not((await run('cat', 'nonsense')).code, 0)

      const running = new Child(join(ours, 'restic'), ['backup', '--stdin'], {
        env,
        isStdinOpen: true,
      })
      const tag = await eventually('a writer with a tag', async () => {
        const [repository] = await statusOf(world)
        return repository?.writers
          .map(({ tag }) => String(tag))
          .find((tag) => /-[0-9a-f-]{36}$/.test(tag))
      })
      t.true(tagPattern.test(tag), tag)
      running.signal('SIGINT')
      t.regex((await running.ended).stderr, /signal interrupt received/)
    },
  )
}
