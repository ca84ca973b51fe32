/** Whatever became of the disk of the repositories or of the state, real restic restores what is there. */
import { execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { smallDisksAreHere } from '../backends/small-disk.js'
import { ALL_RESTIC_VERSIONS, type ResticVersion } from './harness/clients.js'
import { MIB, randomBytes } from './harness/content.js'
import { PlainClient } from './harness/plain-client.js'
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

const remount = (folder: string, how: 'ro' | 'rw'): void =>
  void execFileSync('mount', ['-o', `remount,${how}`, folder])

/** Takes every byte; the answer gives them back. */
const fillUp = async (folder: string): Promise<() => Promise<void>> => {
  const file = join(folder, 'fills-the-disk')
  for (const size of [MIB, 4096, 1]) {
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

interface Places {
  readonly world: World
  readonly repositories: string
  readonly state: string
}

/** On one disk, or the state on another. */
const placesOf = async (t: ExecutionContext, disks: 1 | 2): Promise<Places> => {
  t.timeout(patienceMs)
  const world = await World.open(t)
  await mount(t, world.repositories, 48 * MIB)
  const state = disks === 1 ? join(world.repositories, '.lockkeeper') : world.path('state')
  if (disks === 2) await mount(t, state, 8 * MIB)
  else await mkdir(state, { mode: 0o700 })
  return { world, repositories: world.repositories, state }
}

const backedUp = async (world: World, version: ResticVersion, url: string): Promise<void> => {
  await world.repository(version)
  await mkdir(world.path('files'))
  await writeFile(world.path('files', 'file'), randomBytes('file', 4 * MIB))
  await world.run(version, ['-r', url, 'backup', world.path('files')])
}

const restores = async (world: World, version: ResticVersion, url: string): Promise<void> => {
  const target = world.path('restored')
  await world.run(version, ['-r', url, 'restore', 'latest', '--no-lock', '--target', target])
  await world.run(version, ['-r', url, 'check', '--no-lock', '--read-data'])
  await rm(target, { recursive: true })
}

for (const version of ALL_RESTIC_VERSIONS) {
  for (const disks of [1, 2] as const) {
    testMounted(
      `no reserve is left, restic ${version}, ${disks} disk(s): restore`,
      async (t) => {
        const { world, state } = await placesOf(t, disks)
        const args = ['--state', state, '--state-reserve', '0', '--min-free', '0']
        const gateway = await world.gateway({ args })
        const url = gateway.url('repo')
        await backedUp(world, version, url)
        const free = await fillUp(state)
        const client = new PlainClient(gateway)
        await client.open()
        // The log of the journal may have room for some records yet.
        await eventually('the journal to be full', async () => {
          const lock = randomBytes(`lock ${performance.now()}`, 60_000)
          return (await client.save('locks', lock)).status === 507 || undefined
        })
        t.is((await statfs(state)).bavail, 0)
        await restores(world, version, url)
        await gateway.restart()
        await restores(world, version, url)
        await free()
        await world.run(version, ['-r', url, 'backup', world.path('files')])
        await world.run(version, ['-r', url, 'check', '--read-data'])
        t.deepEqual(await client.lost(), [])
      },
    )
  }

  for (const which of ['both', 'the repositories', 'the state'] as const) {
    testMounted(`read-only: ${which}, restic ${version}: restore`, async (t) => {
      const { world, repositories, state } = await placesOf(t, which === 'both' ? 1 : 2)
      const gateway = await world.gateway({ args: ['--state', state] })
      const url = gateway.url('repo')
      await backedUp(world, version, url)
      await gateway.stop()
      const volume = which === 'the state' ? state : repositories
      remount(volume, 'ro')
      await gateway.start()
      t.regex(gateway.child.output, /read-only volume \(EROFS\): reads are served/)
      await restores(world, version, url)
      const client = new PlainClient(gateway)
      t.is((await client.ask('HEAD', 'config')).status, 200)
      const told = await client.save('data', randomBytes('pack', 500))
      t.is(told.status, 403)
      t.regex(told.reason, /read-only volume \(EROFS\)/)
      const doctor = await world.lockkeeper(
        ...['doctor', '--path', repositories, '--state', state],
      )
      t.regex(doctor.stdout, /EROFS/)
      await gateway.stop()
      remount(volume, 'rw')
      await gateway.start()
      await world.run(version, ['-r', url, 'backup', world.path('files')])
      await world.run(version, ['-r', url, 'check', '--read-data'])
    })
  }
}
