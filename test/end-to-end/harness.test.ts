/**
 * Proves that the stories can fail: without a gateway, against the real rest-server, the sleeping laptop damages
 * the repository. Were these tests to fail, a sound repository behind the gateway would prove nothing.
 */
import { rm } from 'node:fs/promises'
import { RESTIC_VERSIONS, testWith } from './harness/clients.js'
import { MIB, randomBytes, writeFiles } from './harness/content.js'
import { savedBy, startSleeper } from './harness/sleeper.js'
import { backUp, soundness } from './harness/soundness.js'
import { World } from './harness/world.js'

for (const version of RESTIC_VERSIONS) {
  const clients = [`restic-${version}`, 'restic-0.18', 'rest-server'] as const

  testWith(...clients)(
    `restic ${version}: rest-server alone is damaged by the sleeper`,
    async (t) => {
      const world = await World.open(t)
      const server = await world.restServer()
      const line = await world.forwarder(server)
      const folder = await world.repository(version)
      await writeFiles(world.path('files'), 'kept', { 'a/one': 2 * MIB, two: 1000 })
      await writeFiles(world.path('files'), 'old', { old: 2 * MIB })
      await backUp(world, version, server.url('repo'), world.path('files'))
      await rm(world.path('files', 'old'))
      const saved = await backUp(world, version, server.url('repo'), world.path('files'))

      const leansOn = randomBytes('old/old', 2 * MIB)
      const options = { version, line, repository: 'repo', seed: 'sleeper', leansOn }
      const sleeper = await startSleeper(world, options)
      await sleeper.child.sleep()
      await world.run(version, ['-r', server.url('repo'), 'unlock', '--remove-all'])
      await world.run(version, [
        '-r',
        server.url('repo'),
        'forget',
        '--keep-last',
        '1',
        '--prune',
      ])
      t.deepEqual(await soundness(world, folder, [saved]), [])

      sleeper.child.wake()
      const ended = await sleeper.finish()
      t.is(ended.code, 0, 'the sleeper is told that all is well')
      const claimed = savedBy(sleeper, ended)
      t.is(claimed.length, 1)
      const problems = await soundness(world, folder, [saved, ...claimed])
      t.regex(problems.join('\n'), /check ended with 1/)
      t.regex(problems.join('\n'), new RegExp(`snapshot ${claimed[0]?.snapshot ?? '?'}: `))
      t.notRegex(problems.join('\n'), new RegExp(`snapshot ${saved.snapshot}: `))
    },
  )

  testWith(...clients)(
    `restic ${version}: a sleeper that nothing overtook is sound`,
    async (t) => {
      const world = await World.open(t)
      const server = await world.restServer()
      const line = await world.forwarder(server)
      const folder = await world.repository(version)
      const sleeper = await startSleeper(world, {
        version,
        line,
        repository: 'repo',
        seed: 'sleeper',
      })
      await sleeper.child.sleep()
      line.cut()
      line.outgoing = '127.0.0.2'
      const awake = line.exchanges.length
      sleeper.child.wake()
      const ended = await sleeper.finish()
      t.is(ended.code, 0)
      t.true(line.all('POST snapshots/', awake).length > 0, line.describe())
      t.deepEqual(await soundness(world, folder, savedBy(sleeper, ended)), [])
    },
  )
}
