/** Real restic over TLS with HTTP/2: whole backups, and the sleeping laptop. */
import { rm } from 'node:fs/promises'
import { RESTIC_VERSIONS } from './harness/clients.js'
import { contentsOf, MIB, randomBytes, writeFiles } from './harness/content.js'
import { quarantineOf } from './harness/facts.js'
import { tlsFixture, trustingOurs } from './harness/proxy.js'
import { savedBy, startSleeper } from './harness/sleeper.js'
import { savedSnapshot, soundness } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

for (const version of RESTIC_VERSIONS)
  testWith(`restic-${version}`, 'restic-0.18')(
    `restic ${version} over HTTP/2: backups come back, and the sleeper is fenced`,
    async (t) => {
      const world = await World.open(t, trustingOurs)
      const folder = await world.repository(version)
      const gateway = await world.gateway({
        args: [
          '--tls',
          '--tls-cert',
          tlsFixture('server.pem'),
          '--tls-key',
          tlsFixture('server.key'),
          '--http2',
          '--log-level',
          'debug',
        ],
      })
      const repository = gateway.url('repo').replace('http://127.0.0.1', 'https://localhost')
      const restic = (...args: string[]) =>
        world.run(version, ['-r', repository, ...args], { cwd: world.path('files') })
      await writeFiles(world.path('files'), 'kept', { letters: 2 * MIB })
      await writeFiles(world.path('files'), 'old', { photos: 2 * MIB })
      await restic('backup', '.')
      await rm(world.path('files', 'photos'))
      const contents = await contentsOf(world.path('files'))
      const snapshot = savedSnapshot(await restic('backup', '.')) ?? ''
      const saved = { snapshot, contents }
      await restic('restore', snapshot, '--target', world.path('restored'))

      const leansOn = randomBytes('old/photos', 2 * MIB)
      const sleeper = await startSleeper(world, {
        ...{ version, repository, folder, seed: 'sleeper', leansOn },
      })
      await sleeper.child.sleep()
      await restic('unlock', '--remove-all')
      await restic('forget', '--keep-last', '1', '--prune')
      sleeper.child.wake()
      const ended = await sleeper.finish()
      t.is(ended.code, 1)
      t.deepEqual(savedBy(sleeper, ended), [])
      t.is((await quarantineOf(world))[0]?.reason, 'stale')
      t.notRegex(gateway.child.output, /"kind":"knocked"/, 'nobody was put off')
      t.deepEqual(await soundness(world, folder, [saved]), [])
    },
  )
