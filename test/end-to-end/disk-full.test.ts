/** With not one byte free, what is there can be restored, and real restic makes room: the state keeps a reserve for that. */
import { execFileSync } from 'node:child_process'
import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { smallDisksAreHere } from '../backends/small-disk.js'
import { RESTIC_VERSIONS, type ResticVersion } from './harness/clients.js'
import { MIB, randomBytes } from './harness/content.js'
import { brokenChainsOf } from './harness/facts.js'
import { nameOf, PlainClient } from './harness/plain-client.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

/** Only root may mount; in CI a skip is a failure. */
const testMounted = smallDisksAreHere ? test.serial : test.serial.skip
const patienceMs = 5 * 60_000
const stateOf = (world: World): string => join(world.repositories, '.lockkeeper')
const reserveOf = (world: World): string => join(stateOf(world), 'reserve')

const mount = async (t: ExecutionContext, folder: string, bytes: number): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['-l', folder]))
}

/** Takes every byte; the answer gives them back. */
const fillUp = async (folder: string): Promise<() => Promise<void>> => {
  const file = join(folder, 'fills-the-disk')
  for (const size of [MIB, 4096]) {
    for (;;) {
      const isFull = await writeFile(file, Buffer.alloc(size), { flag: 'a' }).then(
        () => false,
        () => true,
      )
      if (isFull) break
    }
  }
  return () => rm(file)
}

const bytesIn = async (file: string): Promise<number> =>
  (await stat(file).catch(() => ({ size: 0 }))).size

const reserveIsMade = (world: World): Promise<true> =>
  eventually('the reserve to be made', async () => {
    return (await bytesIn(reserveOf(world))) > 3 * MIB ? true : undefined
  })

/** A repository with two backups that share nothing. */
const backedUp = async (world: World, version: ResticVersion, url: string): Promise<void> => {
  await world.repository(version)
  for (const name of ['old', 'new']) {
    await mkdir(world.path(name))
    await writeFile(world.path(name, 'file'), randomBytes(name, 4 * MIB))
    await world.run(version, ['-r', url, 'backup', world.path(name), '--host', name])
  }
}

for (const version of RESTIC_VERSIONS) {
  for (const how of ['running', 'freshly started'] as const) {
    testMounted(`0 bytes free, restic ${version}, a ${how} gateway`, async (t) => {
      t.timeout(patienceMs)
      const world = await World.open(t)
      await mount(t, world.repositories, 64 * MIB)
      const gateway = await world.gateway()
      const url = gateway.url('repo')
      await backedUp(world, version, url)
      await reserveIsMade(world)
      await fillUp(world.repositories)
      t.is((await statfs(world.repositories)).bavail, 0)
      if (how === 'freshly started') await gateway.restart()

      const target = world.path('restored')
      await world.run(version, ['-r', url, 'restore', 'latest', '--target', target])
      await world.run(version, ['-r', url, 'unlock'])
      await world.run(version, ['-r', url, 'check'])
      const keep = ['--keep-last', '1', '--group-by', '']
      await world.run(version, ['-r', url, 'forget', ...keep, '--prune'])
      await world.run(version, ['-r', url, 'check', '--read-data'])
      await gateway.stop()
      t.deepEqual(await brokenChainsOf(world), [])
    })
  }
}

testMounted(
  'packs are refused before the disk is full, and the reserve is made again',
  async (t) => {
    t.timeout(patienceMs)
    const world = await World.open(t)
    await mount(t, world.repositories, 64 * MIB)
    const gateway = await world.gateway({ args: ['--min-free', '8MiB'] })
    const client = new PlainClient(gateway)
    await client.ask('POST', '?create=true')
    await client.ask('POST', 'config', Buffer.from('config'))
    await client.open()
    await reserveIsMade(world)
    const packs: string[] = []
    const full = await eventually('the floor to be reached', async () => {
      const bytes = randomBytes(`pack ${packs.length}`, 2 * MIB)
      const told = await client.save('data', bytes)
      packs.push(nameOf('data', bytes))
      return told.status === 200 ? undefined : told
    })
    t.is(full.status, 507)
    t.regex(full.reason, /No space left/)
    const { bavail, bsize } = await statfs(world.repositories)
    t.true(bavail * bsize > 2 * MIB, `${bavail * bsize} bytes are free`)
    t.is((await client.save('locks', randomBytes('a lock', 500))).status, 200)

    const free = await fillUp(world.repositories)
    for (let at = 0; at < 40; at += 1) {
      t.is((await client.save('locks', randomBytes(`lock ${at}`, 500))).status, 200)
    }
    t.true((await bytesIn(reserveOf(world))) < 3 * MIB, 'a part was given up')
    t.is((await client.save('data', randomBytes('no', MIB))).status, 507, 'but not for packs')
    await free()
    await reserveIsMade(world)
    t.deepEqual(await client.lost(), [])
  },
)
