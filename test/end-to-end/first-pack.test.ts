/** A repository without folders of packs, as the gateway begins it, is one for restic on the folder and for rest-server too. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { World } from './harness/world.js'

for (const version of ['0.14', '0.18'] as const) {
  for (const way of ['local', 'rest-server'] as const) {
    test.serial(`restic ${version} over ${way} makes what is missing`, async (t) => {
      const world = await World.open(t)
      const gateway = await world.gateway()
      await world.run(version, ['-r', `rest:http://127.0.0.1:${gateway.port}/repo`, 'init'])
      await gateway.stop()
      const folder = join(world.repositories, 'repo')
      t.deepEqual(await readdir(join(folder, 'data')), [])
      const server = way === 'local' ? undefined : await world.restServer()
      const place = server === undefined ? folder : `rest:http://127.0.0.1:${server.port}/repo`
      await world.run(version, ['-r', place, 'backup', 'config'])
      await world.run(version, ['-r', place, 'check', '--read-data'])
      await world.run(version, ['-r', place, 'forget', '--prune', '--keep-last', '1'])
      t.true((await readdir(join(folder, 'data'))).length > 0)
    })
  }
}

test.serial(
  'no more repositories are made than may be there, and those that are stay open',
  async (t) => {
    const world = await World.open(t)
    const gateway = await world.gateway({ args: ['--max-repositories', '1'] })
    const at = (name: string): string => `rest:http://127.0.0.1:${gateway.port}/${name}`
    await world.run('0.18', ['-r', at('one'), 'init'])
    const refused = await world.restic('0.18', ['-r', at('two'), 'init']).ended
    t.regex(refused.stderr, /No more repositories.*--max-repositories/)
    await world.run('0.18', ['-r', at('one'), 'snapshots'])
  },
)
