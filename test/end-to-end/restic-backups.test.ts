/** restic's everyday commands through the gateway, with an old and a newer restic. */
import { rm, writeFile } from 'node:fs/promises'
import { RESTIC_VERSIONS } from './harness/clients.js'
import { MIB, writeFiles } from './harness/content.js'
import { Guarded } from './harness/guarded.js'
import { lightenKey } from './harness/light-key.js'
import { testWith } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { expectSuccess, PASSWORD, World } from './harness/world.js'

const BACKUPS_AT_ONCE = 8

for (const version of RESTIC_VERSIONS) {
  const testHere = testWith(`restic-${version}`, 'restic-0.18')

  testHere(`restic ${version}: init, backup, incremental backup, restore, check`, async (t) => {
    const world = await World.open(t)
    const gateway = await world.gateway()
    const folder = `${world.repositories}/repo`
    const repo = new Guarded(world, version, gateway, folder)
    await repo.run('init')
    const again = await repo.start(['init']).ended
    t.not(again.code, 0)
    t.regex(again.stderr, /already/)
    await lightenKey(folder, PASSWORD)

    const files = world.path('files')
    await writeFiles(files, 'first', { 'a/b/large': 20 * MIB, small: 10, empty: 0 })
    const first = await repo.backUp()
    await writeFiles(files, 'second', { 'a/added': MIB, small: 11 })
    await rm(`${files}/empty`)
    const second = await repo.backUp()
    t.not(first.snapshot, second.snapshot)
    t.deepEqual(await repo.restore(first), [])
    t.deepEqual(await repo.restore(second), [])
    await repo.run('check', '--read-data')
    t.deepEqual(await repo.problems([first, second], 1), [])
  })

  testHere(`restic ${version}: looking at what is there`, async (t) => {
    const repo = await Guarded.open(t, version)
    const files = repo.world.path('files')
    await writeFiles(files, 'first', { 'a/one': MIB, 'a/two': 100 })
    const first = await repo.backUp()
    await writeFile(`${files}/a/three`, 'three\n')
    const second = await repo.backUp()
    const says = async (...args: string[]) => (await repo.run(...args)).stdout

    t.is((await repo.snapshots()).length, 2)
    t.regex(await says('snapshots'), new RegExp(first.snapshot))
    t.regex(await says('ls', first.snapshot), /a\/two/)
    t.regex(await says('find', 'thr*'), /a\/three/)
    t.regex(await says('diff', first.snapshot, second.snapshot), /\+.*a\/three/)
    t.regex(await says('stats', '--mode', 'raw-data'), /Total Size/i)
    t.regex(await says('cat', 'config'), /chunker_polynomial/)
    t.regex(await says('cat', 'snapshot', first.snapshot), /"tree"/)
    t.is((await says('list', 'index')).trim().split('\n').length, 2)
    t.regex(await says('list', 'packs'), /[0-9a-f]{64}/)
    t.is(await says('dump', second.snapshot, '/a/three'), 'three\n')
    t.deepEqual(await repo.problems([first, second], 1), [])
  })

  testHere(`restic ${version}: ${BACKUPS_AT_ONCE} backups at once`, async (t) => {
    const repo = await Guarded.open(t, version)
    const names = Array.from({ length: BACKUPS_AT_ONCE }, (_, index) => `files-${index}`)
    for (const name of names)
      await writeFiles(repo.world.path(name), name, { own: MIB, 'a/more': 1000 })
    // One connection each says whose it is; runs of one user on several may have to wait for their next lock refresh.
    const flags = ['-o', 'rest.connections=1']
    const saved = await Promise.all(names.map(async (name) => repo.backUp(name, flags)))
    t.is((await repo.snapshots()).length, BACKUPS_AT_ONCE)
    t.deepEqual(await repo.problems(saved, 1), [])
  })

  testHere(`restic ${version}: unlock after a backup that was killed`, async (t) => {
    const repo = await Guarded.open(t, version)
    const backup = repo.start(['backup', '--stdin'], { isStdinOpen: true })
    const listLocks = async () => (await repo.run('list', 'locks', '--no-lock')).stdout.trim()
    await eventually('its lock', async () => (await listLocks()) !== '')
    await backup.kill()
    await repo.run('unlock')
    t.is(await listLocks(), '')
    await writeFiles(repo.world.path('files'), 'kept', { kept: MIB })
    const saved = await repo.backUp()
    await expectSuccess(repo.start(['check']))
    t.deepEqual(await repo.problems([saved], 1), [])
  })
}
