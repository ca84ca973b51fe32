/** The table of WebDAV locks is shared out among users. */
import test from 'ava'
import { LockTable, type LockWish } from '../../gateway/webdav/lock-table.js'

const wishOf = (user: string, at: number): LockWish => ({
  root: [user, `${at}`],
  isDeep: false,
  scope: 'exclusive',
  owner: '',
  user,
  holder: user,
})

test('however many locks one user takes, another finds room', (t) => {
  const time = { now: 0 }
  const table = new LockTable(() => time.now)
  let taken = 0
  while (taken < 2000 && table.take(wishOf('mallory', taken), undefined) !== 'full') taken += 1
  t.is(taken, 250)
  t.not(table.take(wishOf('alice', 0), undefined), 'full')
  time.now += 60 * 60_000
  t.not(table.take(wishOf('mallory', 0), undefined), 'full', 'they end with their time')
})
