/** Plays what the pictures show: a laptop's backup sleeps, a prune overtakes it, and real restic is fenced. */
import { hash } from 'bcrypt'
import { writeFile } from 'node:fs/promises'
import { MIB, randomBytes, writeFiles } from '../end-to-end/harness/content.js'
import type { Service } from '../end-to-end/harness/service.js'
import { startSleeper } from '../end-to-end/harness/sleeper.js'
import type { World } from '../end-to-end/harness/world.js'

const version = '0.18'
const photos = 2 * MIB

export async function playStory(world: World): Promise<Service> {
  const lines = ['laptop', 'nas', 'ann'].map(async (user) => `${user}:${await hash(user, 4)}\n`)
  await writeFile(world.path('users'), (await Promise.all(lines)).join(''), { mode: 0o600 })
  const folder = await world.repository(version, 'family')
  await world.repository(version, 'office')
  const gateway = await world.gateway({ args: ['--htpasswd-file', world.path('users')] })
  const at = (user: string, name: string): string =>
    `rest:http://${user}:${user}@127.0.0.1:${gateway.port}/${name}/`
  const run = (user: string, name: string, ...words: string[]) =>
    world.run(version, ['-r', at(user, name), ...words])
  const files = world.path('files')
  const backUp = (user: string, name: string) => run(user, name, 'backup', files)

  await writeFiles(files, 'kept', { letters: MIB })
  await backUp('nas', 'office')
  await writeFiles(files, 'old', { photos })
  await backUp('laptop', 'family')
  await writeFiles(files, 'new', { photos })
  await backUp('nas', 'family')
  const sleeper = await startSleeper(world, {
    ...{ version, repository: at('laptop', 'family'), folder, seed: 'laptop' },
    leansOn: randomBytes('old/photos', photos),
  })
  await sleeper.child.sleep()
  await run('ann', 'family', 'unlock', '--remove-all')
  const keep = ['--group-by', '', '--keep-last', '1']
  await run('ann', 'family', 'forget', ...keep, '--prune', '--max-unused', '0')
  sleeper.child.wake()
  const { code } = await sleeper.finish()
  if (code === 0) throw new Error('restic was to be fenced, and ended with success')
  return gateway
}
