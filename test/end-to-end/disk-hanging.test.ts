/** One repository's disk hangs: the other's requests keep their speed, and the gateway starts and ends all the same. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import test from 'ava'
import { clientPath, findClient } from './harness/clients.js'
import { randomBytes } from './harness/content.js'
import { PlainClient } from './harness/plain-client.js'
import { canMount } from './harness/test-mount.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

const testMounted =
  canMount && findClient('rclone') !== undefined && findClient('fusermount') !== undefined
    ? test
    : test.skip

/** A repository's folder served by a real program through FUSE; while that is stopped, whoever touches it waits. */
const mountSick = async (
  t: { readonly teardown: (end: () => unknown) => void },
  world: World,
): Promise<{ stop: () => void; goOn: () => void }> => {
  const disk = world.path('disk')
  for (const type of ['data', 'index', 'keys', 'locks', 'snapshots']) {
    await mkdir(join(disk, type), { recursive: true })
  }
  await writeFile(join(disk, 'config'), 'config')
  const place = join(world.repositories, 'sick')
  await mkdir(place)
  const flags = ['--vfs-cache-mode', 'writes', '--attr-timeout', '0s', '--dir-cache-time', '0s']
  const cache = ['--cache-dir', world.path('rclone-cache')]
  const path = [dirname(clientPath('fusermount')), process.env.PATH ?? ''].join(delimiter)
  const words = ['mount', disk, place, ...flags, ...cache] as const
  const rclone = world.command([clientPath('rclone'), ...words], { env: { PATH: path } })
  t.teardown(async () => {
    await rclone.kill()
    execFileSync('umount', ['-l', place])
  })
  await eventually('the mount', () => existsSync(join(place, 'config')))
  return { stop: () => rclone.signal('SIGSTOP'), goOn: () => rclone.signal('SIGCONT') }
}

/** Milliseconds of each of many small uploads, in order of length. */
const timesOf = async (client: PlainClient, round: string): Promise<number[]> => {
  const times: number[] = []
  for (let at = 0; at < 60; at += 1) {
    const begun = performance.now()
    const { status, reason } = await client.save('data', randomBytes(`${round} ${at}`, 20_000))
    if (status !== 200) throw new Error(`${status} ${reason}`)
    times.push(performance.now() - begun)
  }
  return times.sort((one, other) => one - other)
}

testMounted('a disk that hangs slows no other repository, and no start or end', async (t) => {
  t.timeout(5 * 60_000)
  const world = await World.open(t)
  await mkdir(join(world.repositories, 'well'), { recursive: true })
  const disk = await mountSick(t, world)
  const gateway = await world.gateway()
  const well = new PlainClient(gateway, 'well')
  const sick = new PlainClient(gateway, 'sick')
  await well.ask('POST', '?create=true')
  await well.ask('POST', 'config', Buffer.from('config'))
  await well.open()
  t.is((await sick.ask('HEAD', 'config')).status, 200)
  const before = await timesOf(well, 'before')

  disk.stop()
  const hung = Array.from({ length: 30 }, async () => (await sick.ask('HEAD', 'config')).status)
  const meanwhile = await timesOf(well, 'meanwhile')
  const [median = 0, usual = 0] = [meanwhile[30], before[30]]
  t.log(
    `median ${usual.toFixed(1)} ms before, ${median.toFixed(1)} ms while the other disk hangs`,
  )
  // Whoever waited for the other disk would wait for 15 s.
  t.true((meanwhile.at(-1) ?? Infinity) < 10_000, String(meanwhile.at(-1)))
  t.deepEqual(new Set(await Promise.all(hung)), new Set([503]))
  const begun = performance.now()
  t.is((await sick.ask('HEAD', 'config')).status, 503)
  t.true(performance.now() - begun < 10_000, 'who comes later is told at once')

  const ending = performance.now()
  await gateway.stop()
  t.true(performance.now() - ending < 20_000, `it ended after ${performance.now() - ending} ms`)
  const starting = performance.now()
  await gateway.start()
  t.log(`it started again within ${(performance.now() - starting).toFixed(0)} ms`)
  t.true(performance.now() - starting < 45_000)
  await well.open()
  t.is((await timesOf(well, 'again')).length, 60)
  t.is((await sick.ask('HEAD', 'config')).status, 503)

  disk.goOn()
  await eventually('the disk to be served again', async () => {
    return (await sick.ask('HEAD', 'config')).status === 200
  })
  t.deepEqual(await well.lost(), [])
})
