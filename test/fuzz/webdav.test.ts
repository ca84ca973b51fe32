/**
 * Fuzzes the WebDAV door over a folder with plain files, links among them. FUZZ_SEED and FUZZ_COUNT choose the inputs;
 * `npm run fuzz` runs many. The process must live, nothing may leak, and nothing outside the root may change.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import { openPlainFolder } from '../../backends/local/plain-folder.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { openDoor } from '../gateway/door.js'
import { ask, RawClient } from '../gateway/raw-client.js'
import { drawFrom } from './http-input.js'
import { drawDavInput } from './webdav-input.js'

const seed = Number(process.env.FUZZ_SEED ?? 1)
const count = Number(process.env.FUZZ_COUNT ?? 2000)
const replay = (at: number): string =>
  `replay: FUZZ_SEED=${seed + at} FUZZ_COUNT=1 npm run fuzz`

async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length
}

test.serial(`the WebDAV door lives through ${count} inputs from seed ${seed}`, async (t) => {
  t.timeout(5 * 60_000 + 40 * count)
  const outside = await mkdtemp(join(tmpdir(), 'fuzz-'))
  t.teardown(() => rm(outside, { recursive: true, force: true }))
  const root = join(outside, 'root')
  await mkdir(root)
  await writeFile(join(outside, 'secret'), 'as it was')
  await symlink(outside, join(root, 'link'))
  const door = await openDoor({
    store: await openLocalStore({ root }),
    parkMs: 10,
    logLevel: 'error',
    listener: { plain: await openPlainFolder({ root }) },
  })
  t.teardown(() => door.close())
  await ask(door.port, 'POST', '/repo/?create=true')
  await ask(door.port, 'POST', '/repo/config', { body: 'config' })
  await ask(door.port, 'MKCOL', '/-/dav/plain')
  const before = { descriptors: await descriptors(), rss: process.memoryUsage().rss }
  const statuses = new Map<number, number>()
  for (let at = 0; at < count; at += 1) {
    const input = drawDavInput(drawFrom(seed + at))
    const client = await RawClient.connect(door.port)
    client.send(input.bytes)
    if (input.leaves) client.reset()
    else {
      const isHead = input.bytes.subarray(0, 4).toString() === 'HEAD'
      const deadline = setTimeout(() => client.destroy(), 30_000)
      const status = (await client.answer({ isHead }))?.status ?? 0
      clearTimeout(deadline)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 0) t.fail(`not answered; ${replay(at)}`)
      // A 503 is a knock, or a table of locks that is full.
      if (status >= 500 && ![502, 503].includes(status))
        t.fail(`answered ${status}; ${replay(at)}`)
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
  t.deepEqual((await readdir(outside)).sort(), ['root', 'secret'])
  t.is(await readFile(join(outside, 'secret'), 'utf8'), 'as it was')
  t.deepEqual(await readdir(join(root, '.lockkeeper', 'plain', 'work')), [])
  t.true((await door.store.repositories()).includes('repo' as RepositoryId))
  t.log(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, n]) => `${status}: ${n}`)
      .join(', '),
  )
  t.deepEqual(door.log, [], 'no request ended in a fault')
})
