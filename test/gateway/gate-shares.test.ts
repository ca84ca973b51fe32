/** One user's runs and locks are bounded in each repository, and another user finds room all the same. */
import test from 'ava'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import { Gate, defaultParking, type Visitor } from '../../gateway/gate/gate.js'
import { buildGate, nameOf, realRandom } from './door.js'

const repository = 'repo' as RepositoryId
const never = new AbortController().signal

const from = (id: string, client: Visitor['client']): Visitor => ({
  channel: { id, openedAt: 0, isHidden: false },
  client,
  tag: id,
  isAppendOnly: false,
})

async function build(shares: { runsMax: number; locksMax: number }): Promise<Gate> {
  const { store, fences } = buildGate()
  const gate = new Gate({ store, fences, random: realRandom, ...defaultParking, shares })
  const maker = from('maker', { user: 'maker', address: '192.0.2.9' })
  await gate.create(maker, repository)
  await upload(gate, maker, 'config' as ObjectName, 'config')
  return gate
}

async function upload(
  gate: Gate,
  by: Visitor,
  object: ObjectName,
  text: string,
): Promise<string> {
  const chunks = (async function* () {
    yield Buffer.from(text)
  })()
  const body = { chunks, drain: async () => undefined }
  return (await gate.upload(by, repository, object, body, never)).kind
}

const isTooMany = (error: unknown): boolean =>
  error instanceof BackendError && error.code === 'too-many'

for (const [who, mallory, alice] of [
  ['user', { user: 'mallory', address: '192.0.2.1' }, { user: 'alice', address: '192.0.2.1' }],
  ['address without a login', { address: '192.0.2.1' }, { address: '192.0.2.2' }],
] as const) {
  test(`a ${who} begins no more runs than its share`, async (t) => {
    const gate = await build({ runsMax: 3, locksMax: 0 })
    for (const id of ['a', 'b', 'c']) t.is(await gate.begin(from(id, mallory), repository), 6)
    const error = await t.throwsAsync(gate.begin(from('d', mallory), repository))
    t.true(isTooMany(error))
    t.is(await gate.begin(from('e', alice), repository), 6)
  })

  test(`a ${who} has no more locks than its share, and deletes them all the same`, async (t) => {
    const gate = await build({ runsMax: 0, locksMax: 2 })
    const one = from('a', mallory)
    await gate.begin(one, repository)
    for (const name of ['1', '2'])
      t.is(await upload(gate, one, nameOf('locks', name), name), 'done')
    const error = await t.throwsAsync(upload(gate, one, nameOf('locks', '3'), '3'))
    t.true(isTooMany(error))
    const other = from('b', alice)
    await gate.begin(other, repository)
    t.is(await upload(gate, other, nameOf('locks', '4'), '4'), 'done')
    t.is((await gate.delete(one, repository, nameOf('locks', '1'), never)).kind, 'done')
    t.is(await upload(gate, one, nameOf('locks', '3'), '3'), 'done')
  })
}
