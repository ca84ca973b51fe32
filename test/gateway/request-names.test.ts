/** A request has one name, in the log and in the journal. */
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { nameOf, openDoor } from './door.js'

test('the name of a request in the log is the one in the journal', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const send = (method: string, path: string, body?: string): Promise<Response> =>
    fetch(`${door.url}r/${path}`, { method, ...(body === undefined ? {} : { body }) })
  await send('POST', '?create=true')
  await send('POST', nameOf('keys', 'key'), 'key')
  await send('POST', nameOf('data', 'pack'), 'pack')
  const records = await door.journal.read('r' as RepositoryId, 0, 100)
  const events = records.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  const committed = (object: string): Record<string, unknown> | undefined =>
    events.find((event) => event.kind === 'committed' && event.object === object)
  const logged = door.log.find(({ object }) => object === nameOf('keys', 'key'))
  t.is(typeof logged?.request, 'string')
  t.is(committed(nameOf('keys', 'key'))?.request, logged?.request)
  t.is(committed(nameOf('data', 'pack'))?.request, undefined, 'packs are too many')
})
