/** The world around the real process fails: it says so rightly, loses nothing, and goes on by itself afterwards. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { smallDisksAreHere } from '../backends/small-disk.js'
import { MIB, randomBytes } from './harness/content.js'
import { brokenChainsOf } from './harness/facts.js'
import { nameOf, PlainClient } from './harness/plain-client.js'
import type { Service } from './harness/service.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

/** Only root may mount; in CI a skip is a failure. */
const testMounted = smallDisksAreHere ? test.serial : test.serial.skip
const patienceMs = 5 * 60_000

const mount = async (t: ExecutionContext, folder: string, bytes: number): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['-l', folder]))
}

/** A repository as it begins: its folders, and a config that no restic will read. */
const begin = async (world: World, client: PlainClient): Promise<void> => {
  await client.ask('POST', '?create=true')
  await client.ask('POST', 'config', Buffer.from('config'))
  await client.open()
  await mkdir(world.path('tmp'), { recursive: true })
}

/** Takes all that is left of a file system; the answer gives it back. */
const fillUp = async (folder: string): Promise<() => Promise<void>> => {
  const file = join(folder, 'fills-the-disk')
  for (const size of [MIB, 4096, 1]) {
    for (;;) {
      try {
        await writeFile(file, Buffer.alloc(size), { flag: 'a' })
      } catch {
        break
      }
    }
  }
  return () => rm(file)
}

const pack = (name: string): Buffer => randomBytes(name, 300_000)

const provesSound = async (t: ExecutionContext, world: World): Promise<void> => {
  t.deepEqual(await brokenChainsOf(world), [])
}

testMounted(
  'a full repository is told 507, and goes on when there is space again',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    await mount(t, world.repositories, 16 * MIB)
    await mount(t, join(world.repositories, '.lockkeeper'), 16 * MIB)
    const gateway = await world.gateway()
    const client = new PlainClient(gateway)
    await begin(world, client)
    t.is((await client.save('data', pack('before'))).status, 200)
    const free = await fillUp(world.repositories)
    const full = await client.save('data', pack('full'))
    t.is(full.status, 507)
    t.regex(full.reason, /No space left/)
    t.is((await client.ask('GET', 'data/')).status, 200)
    await free()
    t.is((await client.save('data', pack('full'))).status, 200)
    t.deepEqual(await client.lost(), [])
    await gateway.restart()
    t.deepEqual(await client.lost(), [])
    await gateway.stop()
    await provesSound(t, world)
  },
)

testMounted(
  'a full state folder is told 507, and goes on when there is space again',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    const state = join(world.repositories, '.lockkeeper')
    await mount(t, world.repositories, 64 * MIB)
    await mount(t, state, 4 * MIB)
    const gateway = await world.gateway()
    const client = new PlainClient(gateway)
    await begin(world, client)
    t.is((await client.save('locks', pack('before'))).status, 200)
    const free = await fillUp(state)
    // The log of the journal may have room for some records yet.
    const full = await eventually('the journal to be full', async () => {
      const told = await client.save(
        'locks',
        randomBytes(`lock ${client.acknowledged.size}`, 500),
      )
      return told.status === 200 ? undefined : told
    })
    t.is(full.status, 507)
    await free()
    await eventually('a lock to be saved again', async () => {
      return (await client.save('locks', pack('after'))).status === 200
    })
    t.deepEqual(await client.lost(), [])
    await gateway.kill()
    await gateway.start()
    t.deepEqual(await client.lost(), [])
    await gateway.stop()
    await provesSound(t, world)
  },
)

testMounted(
  'a disk that becomes read-only serves reads, and writes again afterwards',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    await mount(t, world.repositories, 32 * MIB)
    await mount(t, join(world.repositories, '.lockkeeper'), 16 * MIB)
    const gateway = await world.gateway()
    const client = new PlainClient(gateway)
    await begin(world, client)
    t.is((await client.save('data', pack('before'))).status, 200)
    const remount = (how: 'ro' | 'rw'): unknown =>
      execFileSync('mount', ['-o', `remount,${how}`, world.repositories])
    remount('ro')
    const told = await client.save('data', pack('meanwhile'))
    t.is(told.status, 403)
    t.regex(told.reason, /cannot be written: it is on a read-only volume \(EROFS\)/)
    t.deepEqual(await client.lost(), [])
    remount('rw')
    t.is((await client.save('data', pack('meanwhile'))).status, 200)
    t.deepEqual(await client.lost(), [])
  },
)

const errors = [
  'before-write',
  'after-stage',
  'before-link',
  'after-link',
  'before-append',
] as const

for (const place of [...errors, 'after-append', 'after-publish', 'before-unlink'] as const) {
  test.serial(
    `an input/output error ${place} is told 503, and the next try succeeds`,
    async (t) => {
      t.timeout(patienceMs)
      const world = await World.open(t)
      // Far enough in that the repository has begun.
      const from = place.endsWith('append') ? 6 : 4
      const env = { LOCKKEEPER_FAILPOINT: `${place}:${from}-${from + 1}:EIO` }
      const gateway = await world.gateway({ env })
      const client = new PlainClient(gateway)
      await begin(world, client)
      const statuses = new Set<number>()
      for (let number = 0; number < 8; number += 1) {
        const lock = randomBytes(`${place} ${number}`, 500)
        await eventually(`lock ${number} to be saved`, async () => {
          const { status } = await client.save('locks', lock)
          statuses.add(status)
          return status === 200
        })
      }
      t.true(statuses.has(503), 'the error was reached')
      t.deepEqual([...statuses].sort(), [200, 503])
      t.deepEqual(await client.lost(), [])
      await gateway.kill()
      await gateway.start()
      t.deepEqual(await client.lost(), [])
      const state = join(world.repositories, '.lockkeeper')
      t.deepEqual(await readdir(join(state, 'staging')), [])
      await gateway.stop()
      await provesSound(t, world)
    },
  )
}

/** Loaded into the gateway before anything else: its wall clock is off by what a file says. */
const clockAt = (file: string): string => `
import { readFileSync } from 'node:fs'
const now = Date.now
Date.now = () => now() + Number(readFileSync(${JSON.stringify(file)}, 'utf8'))
`

test.serial('a clock that jumps both ways hides no lock and refuses nobody', async (t) => {
  t.timeout(patienceMs)
  const world = await World.open(t)
  const offset = world.path('offset')
  const preload = world.path('clock.mjs')
  await writeFile(offset, '0')
  await writeFile(preload, clockAt(offset))
  const gateway = await world.gateway({ env: { NODE_OPTIONS: `--import=${preload}` } })
  const client = new PlainClient(gateway)
  await begin(world, client)
  t.is((await client.save('locks', pack('lock'))).status, 200)
  const yearMs = 365 * 24 * 60 * 60_000
  for (const [at, jump] of [yearMs, -2 * yearMs, 0].entries()) {
    await writeFile(offset, String(jump))
    t.is((await client.save('locks', pack(`lock ${at}`))).status, 200, `jump of ${jump}`)
    t.is((await client.save('data', pack(`pack ${at}`))).status, 200, `jump of ${jump}`)
    const other = new PlainClient(gateway, '-/w/other/repo')
    await other.open()
    const url = `http://127.0.0.1:${gateway.port}/-/w/other/repo/locks/`
    const listed = await (await fetch(url)).json()
    t.is((listed as unknown[]).length, at + 2, `locks after a jump of ${jump}`)
  }
  t.deepEqual(await client.lost(), [])
  await gateway.stop()
  await provesSound(t, world)
})

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', resolve)
  })
  return socket
}

test.serial(
  'a machine that boots in another decade ends nobody and gives up no bytes',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    const offset = world.path('offset')
    const preload = world.path('clock.mjs')
    await writeFile(offset, '0')
    await writeFile(preload, clockAt(offset))
    const gateway = await world.gateway({ env: { NODE_OPTIONS: `--import=${preload}` } })
    await begin(world, new PlainClient(gateway, '-/w/first/repo'))
    const sleeper = new PlainClient(gateway, '-/w/sleeper/repo')
    await sleeper.open()
    t.is((await sleeper.save('locks', pack('lock'))).status, 200)
    const unseen = new PlainClient(gateway, '-/w/unseen/repo')
    t.is((await unseen.save('index', pack('index'))).status, 403)
    await gateway.stop()
    await writeFile(offset, String(40 * 365 * 24 * 60 * 60_000))
    await gateway.start()
    // A run that is seen to exit ends some seconds later: then time has been asked what it decides.
    const socket = await open(gateway.port)
    const answered = once(socket, 'data')
    socket.write('HEAD /-/w/tool/repo/config HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await answered
    t.regex((await world.lockkeeper('status')).stdout, /tool/)
    socket.end()
    await eventually('the tool to have ended', async () => {
      return !(await world.lockkeeper('status')).stdout.includes('tool')
    })
    t.regex((await world.lockkeeper('status')).stdout, /sleeper/)
    const items = (await world.lockkeeper('quarantine', 'list', '--json')).stdout
    t.regex(items, /"kept":\s*true/)
    await gateway.stop()
    await provesSound(t, world)
  },
)

const descriptorsOf = async ({ child }: Service): Promise<number> =>
  (await readdir(`/proc/${child.pid ?? 'none'}/fd`)).length

test.serial(
  'more connections than descriptors, slow readers and slow writers: it goes on',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    const gateway = await world.gateway({ under: ['prlimit', '--nofile=160:160'] })
    const client = new PlainClient(gateway)
    await begin(world, client)
    const big = randomBytes('big', 20 * MIB)
    t.is((await client.save('data', big)).status, 200)
    const before = await descriptorsOf(gateway)

    const sockets = await Promise.all(Array.from({ length: 20 }, () => open(gateway.port)))
    for (const [at, socket] of sockets.entries()) {
      if (at % 2 === 0)
        socket
          .pause()
          .write(`GET /repo/${nameOf('data', big)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      else {
        const name = nameOf('data', Buffer.from(`slow ${at}`))
        socket.write(
          `POST /repo/${name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\nslow`,
        )
      }
    }
    t.is((await client.save('data', pack('beside the slow'))).status, 200)
    t.deepEqual(await client.lost(), [])

    sockets.push(...(await Promise.all(Array.from({ length: 400 }, () => open(gateway.port)))))
    t.false(gateway.child.isOver)
    for (const socket of sockets) socket.destroy()
    await eventually('descriptors to be given back', async () => {
      return (await descriptorsOf(gateway)) <= before + 5
    })
    await eventually('a pack to be saved', async () => {
      return (
        (await client.save('data', pack('afterwards')).catch(() => undefined))?.status === 200
      )
    })
    t.deepEqual(await client.lost(), [])
    const staging = join(world.repositories, '.lockkeeper', 'staging')
    await eventually('staging to be empty', async () => (await readdir(staging)).length === 0)
    await gateway.stop()
    await provesSound(t, world)
  },
)
