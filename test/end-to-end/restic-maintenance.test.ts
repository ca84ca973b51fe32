/** restic's commands that change what is there: each is honest, so none is refused and each counts once. */
import { rm } from 'node:fs/promises'
import { RESTIC_VERSIONS } from './harness/clients.js'
import { MIB, writeFiles } from './harness/content.js'
import { Guarded } from './harness/guarded.js'
import { testWith } from './harness/test-with.js'

/** Two backups; only the older one holds the photos. */
const withTwoBackups = async (repo: Guarded) => {
  const files = repo.world.path('files')
  await writeFiles(files, 'first', { letters: 2 * MIB, photos: 2 * MIB })
  const older = await repo.backUp()
  await rm(`${files}/photos`)
  const newer = await repo.backUp()
  return { older, newer }
}

for (const version of RESTIC_VERSIONS) {
  const testHere = testWith(`restic-${version}`, 'restic-0.18')

  testHere(`restic ${version}: tag, forget, prune, and the index rebuilt`, async (t) => {
    const repo = await Guarded.open(t, version)
    const { older, newer } = await withTwoBackups(repo)
    await repo.run('tag', '--set', 'holiday', older.snapshot)
    const { stdout } = await repo.run('snapshots', '--tag', 'holiday', '--json')
    const [tagged] = JSON.parse(stdout) as { id: string }[]
    t.not(tagged?.id.slice(0, older.snapshot.length), older.snapshot)
    const renamed = { ...older, snapshot: tagged?.id ?? '' }
    t.is((await repo.snapshots()).length, 2)
    t.deepEqual(await repo.problems([renamed, newer], 1), [])

    await repo.run(...(version === '0.14' ? ['rebuild-index'] : ['repair', 'index']))
    t.deepEqual(await repo.problems([renamed, newer], 2), [])

    await repo.run('forget', renamed.snapshot)
    t.is((await repo.snapshots()).length, 1)
    t.deepEqual(await repo.problems([newer], 2), [])
    await repo.run('prune')
    t.deepEqual(await repo.problems([newer], 3), [])
    await repo.run('prune')
    const again = 'a prune with nothing to do changes nothing'
    t.deepEqual(await repo.problems([newer], 3), [], again)
  })

  testHere(`restic ${version}: forget --prune of everything old`, async (t) => {
    const repo = await Guarded.open(t, version)
    const { newer } = await withTwoBackups(repo)
    await repo.run('forget', '--keep-last', '1', '--prune', '--max-unused', '0')
    t.deepEqual(await repo.problems([newer], 2), [])
  })

  testHere(
    `restic ${version}: a repository of version 1 becomes one of version 2`,
    async (t) => {
      const repo = await Guarded.open(t, version, ['--repository-version', '1'])
      const { older, newer } = await withTwoBackups(repo)
      await repo.run('migrate', 'upgrade_repo_v2')
      t.regex((await repo.run('cat', 'config')).stdout, /"version": 2/)
      t.deepEqual(await repo.problems([older, newer], 1), [])
      await repo.run('prune', '--repack-uncompressed')
      t.deepEqual(await repo.problems([older, newer], 2), [])
    },
  )
}

testWith('restic-0.18')('restic 0.18: rewrite', async (t) => {
  const repo = await Guarded.open(t, '0.18')
  const { older, newer } = await withTwoBackups(repo)
  await repo.run('rewrite', '--exclude', 'photos', '--forget', older.snapshot)
  const { stdout } = await repo.run('snapshots', '--json')
  const found = JSON.parse(stdout) as { id: string; original?: string }[]
  const rewritten = found.find(({ original }) => original?.startsWith(older.snapshot))
  t.is(found.length, 2)
  const saved = { snapshot: rewritten?.id ?? '', contents: newer.contents }
  t.deepEqual(await repo.problems([saved, newer], 1), [])
})
