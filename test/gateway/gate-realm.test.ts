/** Whom the gate itself lets make a repository, whatever a door has forgotten to ask. */
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError } from '../../fencing/ports.js'
import type { Visitor } from '../../gateway/gate/gate.js'
import { buildGate } from './door.js'

const from = (more: Partial<Visitor> = {}): Visitor => ({
  channel: { id: 'c', openedAt: 0, isHidden: false },
  client: { user: 'alice', address: '192.0.2.1' },
  isAppendOnly: false,
  ...more,
})

test('a repository is made by whom it belongs to, append-only or not', async (t) => {
  const { gate } = buildGate()
  await gate.create(from({ realm: 'alice' }), 'alice/photos' as RepositoryId)
  await gate.create(from({ isAppendOnly: true }), 'bob' as RepositoryId)
  t.deepEqual((await gate.repositories()).sort(), ['alice/photos', 'bob'])
})

test('nobody makes a repository of somebody else, and who only reads makes none', async (t) => {
  const { gate } = buildGate()
  for (const [visitor, repository] of [
    [from({ realm: 'alice' }), 'bob'],
    [from({ realm: 'alice' }), 'alice2'],
    [from({ realm: '' }), ''],
    [from({ realm: '' }), 'alice'],
    [from({ isReader: true }), 'alice'],
  ] as const) {
    const error = await t.throwsAsync(gate.create(visitor, repository as RepositoryId), {
      instanceOf: BackendError,
    })
    t.is(error.code, 'not-allowed')
  }
  t.deepEqual(await gate.repositories(), [])
})
