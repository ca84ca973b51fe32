/** How what a process asked is written down briefly. */
import test from 'ava'
import type { Exchange } from '../end-to-end/harness/exchange.js'
import { headersOf, listsOf, lockConnections, traceOf } from './trace.js'

const asked = (what: string, connection = 1, status = 200): Exchange => {
  const [method = '', path = ''] = what.split(' ')
  const head = `${method} ${path} HTTP/1.1\r\nHost: h${connection}\r\nAccept: a\r\n\r\n`
  return {
    ...{ connection, method, path, head, askedMs: 0 },
    answer: { status, reason: '', atMs: 0 },
  }
}

test('a trace names each step, counts what is repeated, and tells what failed', (t) => {
  const exchanges = [
    asked('HEAD /repo/config', 1, 404),
    asked('POST /repo/?create=true'),
    asked('GET /repo/keys/'),
    asked('GET /repo/keys/aa'),
    asked('POST /repo/data/bb'),
    asked('POST /repo/data/cc'),
    asked('DELETE /repo/locks/dd'),
  ]
  t.is(
    traceOf(exchanges),
    'head config (404), post create, list keys, get keys, post data x2, delete locks',
  )
  t.deepEqual(listsOf(exchanges), ['keys'])
})

test('the connections of a lock are those of its first post and its last deletion', (t) => {
  const exchanges = [
    asked('HEAD /repo/config', 1),
    asked('POST /repo/locks/a', 2),
    asked('DELETE /repo/locks/a', 3),
    asked('DELETE /repo/locks/b', 4),
  ]
  t.deepEqual(lockConnections(exchanges), { opening: 1, posted: 2, deleted: 4 })
})

test('a header that varies, or is not sent, shows', (t) => {
  const headers = headersOf([asked('GET /repo/keys/', 1), asked('GET /repo/keys/', 2)])
  t.is(headers.host, 'h1 | h2')
  t.is(headers.accept, 'a')
  t.is(headers.authorization, 'none')
})
