/**
 * Proves that the stories can fail: without a gateway, against the real rest-server, the sleeping laptop damages
 * the repository. Were these tests to fail, a sound repository behind the gateway would prove nothing.
 */
import { rm } from 'node:fs/promises'
import { RESTIC_VERSIONS } from './harness/clients.js'
import { MIB, randomBytes, writeFiles } from './harness/content.js'
import { savedBy, startSleeper } from './harness/sleeper.js'
import { backUp, soundness } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

for (const version of RESTIC_VERSIONS) {
  const testHere = testWith(`restic-${version}`, 'restic-0.18', 'rest-server')

  testHere(`restic ${version}: rest-server alone is damaged by the sleeper`, async (t) => {
    const world = await World.open(t)
    const server = await world.restServer()
    const line = await world.forwarder(server)
    const folder = await world.repository(version)
    const admin = (...args: string[]) => world.run(version, ['-r', server.url('repo'), ...args])
    await writeFiles(world.path('files'), 'kept', { 'a/one': 2 * MIB, two: 1000 })
    await writeFiles(world.path('files'), 'old', { old: 2 * MIB })
    await backUp(world, version, server.url('repo'), world.path('files'))
    await rm(world.path('files', 'old'))
    const saved = await backUp(world, version, server.url('repo'), world.path('files'))

    const sleeper = await startSleeper(world, {
      version,
      repository: line.url('repo'),
      folder,
      line,
      seed: 'sleeper',
      leansOn: randomBytes('old/old', 2 * MIB),
    })
    await sleeper.child.sleep()
    await admin('unlock', '--remove-all')
    await admin('forget', '--keep-last', '1', '--prune')
    t.deepEqual(await soundness(world, folder, [saved]), [])

    sleeper.child.wake()
    const ended = await sleeper.finish()
    t.is(ended.code, 0, 'the sleeper is told that all is well')
    const [claimed] = savedBy(sleeper, ended)
    if (claimed === undefined) throw new Error('the sleeper reports no snapshot')
    const problems = (await soundness(world, folder, [saved, claimed])).join('\n')
    t.regex(problems, /check ended with 1/)
    t.regex(problems, new RegExp(`snapshot ${claimed.snapshot}: `))
    t.notRegex(problems, new RegExp(`snapshot ${saved.snapshot}: `))
  })

  testHere(`restic ${version}: a sleeper that nothing overtook is sound`, async (t) => {
    const world = await World.open(t)
    const server = await world.restServer()
    const line = await world.forwarder(server)
    const folder = await world.repository(version)
    const repository = line.url('repo')
    const sleeper = await startSleeper(world, { version, repository, folder, line, seed: 's' })
    await sleeper.child.sleep()
    line.cut()
    line.outgoing = '127.0.0.2'
    const awake = line.exchanges.length
    sleeper.child.wake()
    const ended = await sleeper.finish()
    t.is(ended.code, 0)
    t.true(line.all('POST snapshots/', awake).length > 0, line.describe())
    t.deepEqual(await soundness(world, folder, savedBy(sleeper, ended)), [])
  })
}
