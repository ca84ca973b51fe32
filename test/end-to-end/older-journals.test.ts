/** What earlier versions left behind is taken over: the journal, what it protects, and the quarantine. */
import Database from 'better-sqlite3'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './harness/clients.js'
import { writeFiles } from './harness/content.js'
import { statusOf } from './harness/facts.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

const folder = join(projectRoot, 'test', 'fixtures', 'journals')
const archives = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
const env = { RESTIC_PASSWORD: 'fixture' }

const unpacked = (world: World, archive: string): void => {
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', world.repositories])
}

for (const archive of archives) {
  testWith('restic-0.18')(
    `${archive}: the journal is proved, the fenced write is there, and backups go on`,
    async (t) => {
      const world = await World.open(t)
      unpacked(world, archive)
      const verified = await world.lockkeeper('journal', 'verify')
      t.is(verified.code, 0, verified.stdout + verified.stderr)

      const gateway = await world.gateway({ args: ['--no-auth'] })
      const [before] = await statusOf(world)
      t.is(before?.name, 'laptop')
      t.is(before?.generation, 2)
      t.true((before?.quarantined.count ?? 0) >= 1, 'what the sleeper sent')
      const listed = await world.lockkeeper('quarantine', 'list', '--json')
      t.true(listed.stdout.includes('"stale"'), listed.stdout)

      const files = world.path('files')
      await writeFiles(files, 'new', { new: 50_000 })
      const restic = async (...words: string[]): Promise<void> => {
        await world.run('0.18', ['-r', gateway.url('laptop'), ...words], { cwd: files, env })
      }
      await restic('backup', '.')
      await restic('forget', '--keep-last', '1', '--prune')
      await restic('check', '--read-data')
      const [after] = await statusOf(world)
      t.is(after?.quarantined.count, before?.quarantined.count)
      await gateway.stop()
      const again = await world.lockkeeper('journal', 'verify')
      t.is(again.code, 0, again.stdout + again.stderr)
    },
  )
}

testWith('restic-0.18')(
  'a journal of a newer version: reads are served, writes refused, and both say what to do',
  async (t) => {
    const world = await World.open(t)
    const [newest] = archives.slice(-1)
    if (newest === undefined) return t.fail('there are no fixtures')
    unpacked(world, newest)
    const database = new Database(join(world.repositories, '.lockkeeper', 'journal.sqlite'))
    database.pragma('user_version = 99')
    database.close()
    const verified = await world.lockkeeper('journal', 'verify')
    t.not(verified.code, 0)
    t.regex(verified.stderr, /version 99, written by a newer Lockkeeper/)
    t.regex(verified.stderr, /run the newer version again/)
  },
)
