/** The gateway holds no body and no list: what it needs does not grow with the size of a file, nor much with that of a folder. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { Readable } from 'node:stream'
import test from 'ava'
import { MIB } from './harness/content.js'
import type { Service } from './harness/service.js'
import { World } from './harness/world.js'

const peakOf = async ({ child }: Service): Promise<number> => {
  const status = await readFile(`/proc/${child.pid ?? 'none'}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

const bodyOf = function* (mebibytes: number): Generator<Buffer> {
  for (let at = 0; at < mebibytes; at += 1) yield Buffer.alloc(MIB, `body ${mebibytes} ${at}`)
}

/** Uploads a pack of so many MiB and downloads it again; answers what came back. */
const roundTrip = async (gateway: Service, mebibytes: number): Promise<boolean> => {
  const hash = createHash('sha256')
  for (const chunk of bodyOf(mebibytes)) hash.update(chunk)
  const digest = hash.digest('hex')
  const url = `http://127.0.0.1:${gateway.port}/repo/data/${digest}`
  const dispatcher = new Agent({ bodyTimeout: 0, headersTimeout: 0 })
  try {
    const headers = { 'content-length': String(mebibytes * MIB) }
    const body = Readable.from(bodyOf(mebibytes))
    const saved = await request(url, { method: 'POST', headers, body, dispatcher })
    await saved.body.dump()
    if (saved.statusCode !== 200) return false
    const found = createHash('sha256')
    const answer = await request(url, { dispatcher })
    for await (const chunk of answer.body) found.update(chunk as Buffer)
    return found.digest('hex') === digest
  } finally {
    await dispatcher.close()
  }
}

test.serial('a pack of 300 MiB needs no more memory than one of 50 MiB', async (t) => {
  t.timeout(5 * 60_000)
  const world = await World.open(t)
  const gateway = await world.gateway()
  await fetch(`http://127.0.0.1:${gateway.port}/repo/?create=true`, { method: 'POST' })
  t.true(await roundTrip(gateway, 50))
  const small = await peakOf(gateway)
  t.true(await roundTrip(gateway, 300))
  const large = await peakOf(gateway)
  t.log(
    `peak ${Math.round(small / MIB)} MiB after 50 MiB, ${Math.round(large / MIB)} MiB after 300 MiB`,
  )
  t.true(large < 400 * MIB)
  t.true(large - small < 64 * MIB)
})

/** A folder of plain files and a repository's snapshots, so many of each. */
const fill = (folder: string, count: number): void => {
  for (const part of ['plain', 'repo/snapshots'])
    mkdirSync(join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'repo/config'), 'config')
  for (let at = 0; at < count; at += 1) {
    const name = createHash('sha256').update(String(at)).digest('hex')
    writeFileSync(join(folder, 'plain', name), '')
    writeFileSync(join(folder, 'repo/snapshots', name), '')
  }
}

/** Answers how many entries were told of. */
const list = async (gateway: Service, path: string): Promise<number> => {
  const url = `http://127.0.0.1:${gateway.port}/-/dav/${path}/`
  const answer = await request(url, { method: 'PROPFIND', headers: { depth: '1' } })
  let count = 0
  let rest = ''
  for await (const chunk of answer.body) {
    const parts = (rest + String(chunk)).split('<D:response>')
    count += parts.length - 1
    // An element may begin in one chunk and end in the next.
    rest = (parts.at(-1) ?? '').slice(-'<D:response>'.length)
  }
  return count
}

test.serial('lists of 10,000 entries leave next to nothing behind', async (t) => {
  t.timeout(5 * 60_000)
  const world = await World.open(t)
  fill(world.repositories, 10_000)
  const gateway = await world.gateway({ args: ['--plain-files'] })
  const before = await peakOf(gateway)
  for (let round = 0; round < 2; round += 1) {
    t.is(await list(gateway, 'plain'), 10_001)
    t.is(await list(gateway, 'repo/snapshots'), 10_001)
  }
  const growth = (await peakOf(gateway)) - before
  t.log(`${Math.round(growth / MIB)} MiB more`)
  // Calls of a disk that wait for their turn are held meanwhile: 31 MiB were seen.
  t.true(growth < 40 * MIB)
})
