/** Repositories that are reached over links, as a rest-server serves them: an operator hears of them before the first backup. */
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { RawClient } from '../gateway/raw-client.js'
import { World } from './harness/world.js'

const sentence = /reached over a symbolic link, which is not followed/

test.serial('a linked repository and a linked folder of one are told everywhere', async (t) => {
  const world = await World.open(t)
  const other = world.path('other-disk')
  const { repositories } = world
  await mkdir(join(other, 'laptop/data'), { recursive: true })
  await mkdir(join(other, 'snapshots'))
  await mkdir(join(repositories, 'desk/keys'), { recursive: true })
  await symlink(join(other, 'laptop'), join(repositories, 'laptop'))
  await symlink(join(other, 'snapshots'), join(repositories, 'desk/snapshots'))

  const doctor = await world.lockkeeper('doctor')
  t.regex(doctor.stdout, /"\S+\/laptop" is a symbolic link to "\S+\/other-disk\/laptop"/)
  t.regex(doctor.stdout, /"\S+\/desk\/snapshots" is a symbolic link/)
  t.not(doctor.code, 0)

  const gateway = await world.gateway()
  t.regex(gateway.child.output, /WARNING: "\S+\/laptop" is a symbolic link/)
  const client = await RawClient.connect(gateway.port)
  t.teardown(() => client.destroy())
  for (const [method, path] of [
    ['HEAD', '/laptop/config'],
    ['GET', '/laptop/keys/'],
    ['POST', '/laptop/?create=true'],
    ['GET', '/desk/snapshots/'],
    ['POST', `/desk/snapshots/${'0'.repeat(64)}`],
    ['PROPFIND', '/-/dav/laptop/'],
    ['MKCOL', '/-/dav/laptop/'],
  ] as const) {
    const answer = await client.request(method, path)
    t.is(answer.status, 403, `${method} ${path}`)
    t.regex(answer.reason, sentence, `${method} ${path}`)
  }
  const address = `rest:http://127.0.0.1:${gateway.port}/laptop`
  const restic = await world.restic('0.18', ['-r', address, 'init']).ended
  t.not(restic.code, 0)
  t.regex(restic.stderr, sentence)
})
