/** Bodies in memory: all together, and of each client. */
import test from 'ava'
import { MemoryBudget } from '../../gateway/http/memory-budget.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { openDoor } from './door.js'
import { RawClient } from './raw-client.js'

test('one client holds a quarter of the budget, and all of them no more than it', (t) => {
  const budget = new MemoryBudget({ bytesMax: 100 })
  t.true(budget.take('a', 25))
  t.false(budget.take('a', 1))
  for (const other of ['b', 'c', 'd']) t.true(budget.take(other, 25))
  t.false(budget.take('e', 1))
  budget.giveBack('a', 25)
  t.true(budget.take('e', 1))
  t.is(budget.held, 76)
})

test('unfinished XML beyond the budget is told to try again, and what has gone makes room', async (t) => {
  const budget = new MemoryBudget({ bytesMax: 40_000 })
  const door = await openDoor({ listener: { budget } })
  t.teardown(() => door.close())
  const begin = async (): Promise<RawClient> => {
    const client = await RawClient.connect(door.port)
    t.teardown(() => client.destroy())
    client.ask('PROPFIND /-/dav/ HTTP/1.1', 'Host: g', 'Depth: 0', 'Content-Length: 8000')
    client.send(' '.repeat(7_999))
    return client
  }
  const first = await begin()
  await eventually('it to be held', () => budget.held === 7_999)
  const second = await begin()
  second.send(' ')
  const answer = await second.answer()
  t.is(answer?.status, 503)
  t.regex(answer?.reason ?? '', /--max-buffered-bodies/)
  first.destroy()
  await eventually('it to be given back', () => budget.held === 0)
})
