/** Ranges at their edges, as parsed and as answered. */
import fc from 'fast-check'
import test from 'ava'
import { askedRange } from '../../gateway/http/ranges.js'
import { nameOf, openDoor } from './door.js'
import { ask } from './raw-client.js'

const content = 'hello world'
const pack = nameOf('data', content)

const satisfied = [
  ['bytes=0-', 0, 10],
  ['bytes=0-0', 0, 0],
  ['bytes=2-4', 2, 4],
  ['bytes=10-', 10, 10],
  ['bytes=10-10', 10, 10],
  ['bytes=5-100', 5, 10],
  ['bytes=-3', 8, 10],
  ['bytes=-11', 0, 10],
  ['bytes=-100', 0, 10],
  ['bytes=0-99999999999999999999', 0, 10],
] as const
const unsatisfiable = ['bytes=11-', 'bytes=11-12', 'bytes=-0', 'bytes=99999999999999999999-']
const ignored = ['bytes=x', 'bytes=', 'bytes=-', 'items=0-1', 'bytes=0-1,3-4', 'bytes 0-1', '']

test('ranges are answered 206, beyond the end 416, malformed and several ones with the whole', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  await ask(door.port, 'POST', `/repo/${pack}`, { body: content })
  const get = (range: string, ...more: readonly string[]) =>
    ask(door.port, 'GET', `/repo/${pack}`, { headers: [`Range: ${range}`, ...more] })
  for (const [range, start, end] of satisfied) {
    const answer = await get(range)
    t.is(answer.status, 206, range)
    t.is(answer.headers['content-range'], `bytes ${start}-${end}/11`, range)
    t.is(answer.headers['content-length'], String(end - start + 1), range)
    t.is(answer.body.toString(), content.slice(start, end + 1), range)
  }
  for (const range of unsatisfiable) {
    const answer = await get(range)
    t.is(answer.status, 416, range)
    t.is(answer.headers['content-range'], 'bytes */11', range)
  }
  for (const range of ignored) {
    const answer = await get(range)
    t.is(answer.status, 200, range)
    t.is(answer.body.toString(), content, range)
  }
  t.is((await get('bytes=0-1', 'If-Range: "x"')).status, 200)
  const head = await ask(door.port, 'HEAD', `/repo/${pack}`, { headers: ['Range: bytes=0-1'] })
  t.is(head.headers['content-length'], '11')
  t.is(door.watched.open, 0)
})

test('whatever the header says, the range lies within the object', (t) => {
  const number = fc.oneof(fc.nat(20), fc.constantFrom('', '-1', '1e3', ' ', '9'.repeat(30)))
  const header = fc.oneof(
    fc.string(),
    fc.tuple(number, number).map(([from, to]) => `bytes=${from}-${to}`),
  )
  fc.assert(
    fc.property(header, fc.nat(20), (text, size) => {
      const asked = askedRange(text, size)
      if (typeof asked === 'string') return
      t.true(0 <= asked.start && asked.start <= asked.end && asked.end < size)
    }),
  )
  t.pass()
})
