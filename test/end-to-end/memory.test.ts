/** The gateway holds no body: what it needs does not grow with the size of a file. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
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
