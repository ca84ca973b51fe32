/** An overlay is behind the same door as its repository: for its own users, to be read, and by its id alone. */
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { Overlays } from '../../gateway/overlay/overlays.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { openDoor, realRandom } from './door.js'
import { ask } from './raw-client.js'

const repository = 'ann/laptop' as RepositoryId

test('only who may enter the repository reads its overlay, and nobody writes there', async (t) => {
  const store = memoryStore()
  const overlays = new Overlays({ store, random: realRandom })
  const authenticate = async ({ headers }: { headers: Record<string, unknown> }) => {
    return { kind: 'user', user: String(headers['x-user']) } as const
  }
  const listener = { isPrivate: true, overlays, authenticate }
  const { port, fences, close } = await openDoor({ store, listener })
  t.teardown(() => close())
  const as = (user: string) => ({ headers: [`X-User: ${user}`] })
  await ask(port, 'POST', `/${repository}/?create=true`, as('ann'))
  await ask(port, 'POST', `/${repository}/config`, { ...as('ann'), body: 'config' })
  const fence = await fences.of(repository)
  if (fence === undefined) throw new Error('it is not there')
  const { id } = overlays.open(fence, [])
  const statusOf = async (method: string, path: string, user: string): Promise<number> =>
    (await ask(port, method, `/-/overlay/${path}`, as(user))).status

  t.is(await statusOf('GET', `${id}/${repository}/config`, 'ann'), 200)
  t.is(await statusOf('GET', `${id}/${repository}/index/`, 'ann'), 200)
  const own = (await ask(port, 'GET', `/${repository}/config`, as('ben'))).status
  t.not(own, 200)
  t.is(await statusOf('GET', `${id}/${repository}/config`, 'ben'), own)
  t.is(await statusOf('GET', `${'0'.repeat(16)}/${repository}/config`, 'ann'), 404)
  t.is(await statusOf('GET', `${id}/ann/other/config`, 'ann'), 404)
  for (const method of ['POST', 'DELETE'])
    t.is(await statusOf(method, `${id}/${repository}/locks/${'0'.repeat(64)}`, 'ann'), 405)
})
