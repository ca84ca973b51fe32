/** restic's keys, and copies from one repository of the gateway to another. */
import { writeFile } from 'node:fs/promises'
import { RESTIC_VERSIONS } from './harness/clients.js'
import { MIB, writeFiles } from './harness/content.js'
import { Guarded } from './harness/guarded.js'
import { testWith } from './harness/test-with.js'
import { expectSuccess, PASSWORD } from './harness/world.js'

const OTHER_PASSWORD = 'wrong camel'

for (const version of RESTIC_VERSIONS) {
  const testHere = testWith(`restic-${version}`, 'restic-0.18')

  testHere(`restic ${version}: key add, passwd, remove`, async (t) => {
    const repo = await Guarded.open(t, version)
    const { world } = repo
    await writeFiles(world.path('files'), 'kept', { kept: MIB })
    const saved = await repo.backUp()
    const newPassword = world.path('new-password')
    const opens = async (password: string) => {
      const env = { RESTIC_PASSWORD: password }
      return (await repo.start(['cat', 'config'], { env }).ended).code === 0
    }

    await writeFile(newPassword, OTHER_PASSWORD)
    await repo.run('key', 'add', '--new-password-file', newPassword)
    t.true(await opens(OTHER_PASSWORD))
    await writeFile(newPassword, 'third')
    const passwd = ['key', 'passwd', '--new-password-file', newPassword]
    await expectSuccess(repo.start(passwd, { env: { RESTIC_PASSWORD: OTHER_PASSWORD } }))
    t.false(await opens(OTHER_PASSWORD))
    t.true(await opens('third'))

    const { stdout } = await repo.run('key', 'list', '--json')
    const keys = JSON.parse(stdout) as { current: boolean; id: string }[]
    t.is(keys.length, 2)
    await repo.run('key', 'remove', keys.find(({ current }) => !current)?.id ?? '')
    t.false(await opens('third'))
    t.true(await opens(PASSWORD))
    t.deepEqual(await repo.problems([saved], 1), [])
  })

  testHere(`restic ${version}: copy between two repositories of the gateway`, async (t) => {
    const source = await Guarded.open(t, version)
    const { world, gateway } = source
    const folder = await world.repository(version, 'copies')
    const target = new Guarded(world, version, gateway, folder)
    await writeFiles(world.path('files'), 'first', { large: 18 * MIB, small: 100 })
    const first = await source.backUp()
    await writeFiles(world.path('files'), 'second', { small: 200 })
    const second = await source.backUp()

    const env = { RESTIC_FROM_PASSWORD: PASSWORD }
    const copy = ['copy', '--from-repo', source.url]
    await expectSuccess(target.start(copy, { env }))
    await expectSuccess(target.start(copy, { env }))
    const { stdout } = await target.run('snapshots', '--json')
    const found = JSON.parse(stdout) as { id: string; original?: string }[]
    t.is(found.length, 2, 'a second copy finds nothing to do')
    const copyOf = ({ snapshot, contents }: typeof first) => {
      const copied = found.find(({ original }) => original?.startsWith(snapshot))
      return { snapshot: copied?.id ?? '', contents }
    }
    t.deepEqual(await target.problems([copyOf(first), copyOf(second)], 1), [])
    t.deepEqual(await source.problems([first, second], 1), [])
  })
}
