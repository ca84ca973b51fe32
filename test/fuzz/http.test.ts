/**
 * Fuzzes the HTTP door over a folder. FUZZ_SEED and FUZZ_COUNT choose the inputs; `npm run fuzz` runs many. The
 * process must live, nothing may leak, no list may be answered 404, and nothing outside the root may change.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openLocalStore } from '../../backends/local/local-store.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { openDoor } from '../gateway/door.js'
import { ask, RawClient } from '../gateway/raw-client.js'
import { drawFrom, drawInput } from './http-input.js'

const seed = Number(process.env.FUZZ_SEED ?? 1)
const count = Number(process.env.FUZZ_COUNT ?? 2000)
const replay = (at: number): string =>
  `replay: FUZZ_SEED=${seed} FUZZ_COUNT=${at + 1} npm run fuzz`

async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length
}

test.serial(`the HTTP door lives through ${count} inputs from seed ${seed}`, async (t) => {
  t.timeout(5 * 60_000 + 40 * count)
  const outside = await mkdtemp(join(tmpdir(), 'fuzz-'))
  t.teardown(() => rm(outside, { recursive: true, force: true }))
  const root = join(outside, 'root')
  await mkdir(root)
  const door = await openDoor({
    store: await openLocalStore({ root }),
    parkMs: 10,
    logLevel: 'error',
  })
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  const before = { descriptors: await descriptors(), rss: process.memoryUsage().rss }
  // A 503 without a line like this is a knock, which is an answer like any other.
  const hasFailed = (): boolean => door.log.length > 0
  const statuses = new Map<number, number>()
  for (let at = 0; at < count; at += 1) {
    const input = drawInput(drawFrom(seed + at))
    const client = await RawClient.connect(door.port)
    client.send(input.bytes)
    if (input.leaves) client.reset()
    else {
      const isHead = input.bytes.subarray(0, 4).toString() === 'HEAD'
      const deadline = setTimeout(() => client.destroy(), 30_000)
      const status = (await client.answer({ isHead }))?.status ?? 0
      clearTimeout(deadline)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (input.isList && status === 404) t.fail(`a list was answered 404; ${replay(at)}`)
      if (status >= 500 && hasFailed()) t.fail(`answered ${status}; ${replay(at)}`)
      client.destroy()
    }
  }
  await eventually('everything to be closed', () => {
    return door.watched.open === 0 && door.watched.receiving === 0
  })
  await eventually('no descriptor to be left', async () => {
    return (await descriptors()) <= before.descriptors + 2
  })
  t.true(process.memoryUsage().rss - before.rss < 256 * 1024 * 1024)
  t.deepEqual(await readdir(outside), ['root'])
  for (const repository of await door.store.repositories()) {
    t.deepEqual(await door.store.held(repository, 'staging'), [], repository)
  }
  t.log(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, n]) => `${status}: ${n}`)
      .join(', '),
  )
})
