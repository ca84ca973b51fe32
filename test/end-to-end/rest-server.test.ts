/** A rest-server's folder comes under the gateway with the flags that it had, and goes back again. */
import { hash } from 'bcrypt'
import { writeFile } from 'node:fs/promises'
import { contentsOf, MIB, writeFiles } from './harness/content.js'
import { clientPath } from './harness/clients.js'
import { lightenKey } from './harness/light-key.js'
import type { Service } from './harness/service.js'
import { savedSnapshot, soundness, type Saved } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { PASSWORD, World } from './harness/world.js'

testWith('rest-server', 'restic-0.18')(
  'coming from rest-server and going back: the same flags, users and files',
  async (t) => {
    const world = await World.open(t)
    const htpasswd = world.path('htpasswd')
    const users = ['ann', 'bob'].map(async (user) => `${user}:${await hash(`${user}1`, 4)}\n`)
    await writeFile(htpasswd, (await Promise.all(users)).join(''))
    const args = ['--private-repos', '--htpasswd-file', htpasswd]
    const folder = `${world.repositories}/ann/laptop`
    const files = world.path('files')
    const restic = (service: Service, user: string, ...words: string[]) => {
      const address = `rest:http://${user}:${user}1@127.0.0.1:${service.port}/ann/laptop/`
      return world.restic('0.18', ['-r', address, ...words], { cwd: files })
    }
    const saved: Saved[] = []
    const backUp = async (service: Service, name: string): Promise<void> => {
      await writeFiles(files, name, { [name]: 2 * MIB })
      const ended = await restic(service, 'ann', 'backup', '.').ended
      t.is(ended.code, 0, ended.stderr)
      saved.push({ snapshot: savedSnapshot(ended) ?? '', contents: await contentsOf(files) })
    }

    await writeFiles(files, 'first', { first: MIB })
    const before = await world.restServer({ args })
    t.is((await restic(before, 'ann', 'init').ended).code, 0)
    await lightenKey(folder, PASSWORD)
    await backUp(before, 'on-rest-server')
    await before.stop()

    const gateway = await world.gateway({ args })
    await backUp(gateway, 'on-lockkeeper')
    t.not((await restic(gateway, 'bob', 'snapshots').ended).code, 0, "bob enters only bob's")
    t.is((await restic(gateway, 'ann', 'check', '--read-data').ended).code, 0)
    await gateway.stop()

    const after = await world.restServer({ args })
    await backUp(after, 'on-rest-server-again')
    const checked = await restic(after, 'ann', 'check', '--read-data').ended
    t.is(checked.code, 0, checked.stdout + checked.stderr)
    t.is((await restic(after, 'ann', 'forget', '--keep-last', '3', '--prune').ended).code, 0)
    await after.stop()
    t.deepEqual(await soundness(world, folder, saved), [])

    const again = await world.gateway({ args })
    await backUp(again, 'on-lockkeeper-again')
    t.deepEqual(await soundness(world, folder, saved), [])
  },
)

testWith('rest-server')('every flag of rest-server is one of the gateway', async (t) => {
  const world = await World.open(t)
  const flagsIn = (text: string): Set<string> =>
    new Set([...text.matchAll(/^ +(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, flag = '']) => flag))
  const theirs = await world.command([clientPath('rest-server'), '--help']).ended
  const ours = flagsIn((await world.lockkeeper('serve', '--help')).stdout)
  const flags = flagsIn(theirs.stdout + theirs.stderr)
  t.true(flags.size > 15)
  const missing = [...flags].filter((flag) => !ours.has(flag))
  t.deepEqual(missing, [])
})
