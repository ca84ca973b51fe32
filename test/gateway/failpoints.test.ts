/** That a failpoint cannot be set by mistake. */
import test from 'ava'
import { failpointPlaces, parseFailpoint } from '../../gateway/program/failpoints.js'
import { StartError } from '../../gateway/program/start-error.js'

test('what is no failpoint keeps the gateway from starting', (t) => {
  for (const text of [
    '',
    '1',
    'after-link',
    'after-nothing:1',
    'after-link:1:sorry',
    'after-link:-1',
  ])
    t.throws(() => parseFailpoint(text), { instanceOf: StartError }, text)
})

test('a failpoint is a place, and which calls it is for', (t) => {
  t.true(failpointPlaces.includes('during-append'))
  t.deepEqual(parseFailpoint('after-link:3'), { place: 'after-link', from: 3, to: 3 })
  t.deepEqual(parseFailpoint('before-sync:2-9:EIO'), {
    place: 'before-sync',
    from: 2,
    to: 9,
    errno: 'EIO',
  })
})
