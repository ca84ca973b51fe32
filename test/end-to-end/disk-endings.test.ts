/** However the gateway ends, and whatever its disk does meanwhile, the next start believes its journal. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { smallDisksAreHere } from '../backends/small-disk.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { MIB, randomBytes } from './harness/content.js'
import { brokenChainsOf } from './harness/facts.js'
import { PlainClient } from './harness/plain-client.js'
import type { Service } from './harness/service.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

/** Only root may mount; in CI a skip is a failure. */
const testMounted = smallDisksAreHere ? test.serial : test.serial.skip
const patienceMs = 5 * 60_000
const stateOf = (world: World): string => join(world.repositories, '.lockkeeper')
const lock = (name: string | number): Buffer => randomBytes(`lock ${name}`, 500)

/** Mounts a disk on a folder. */
type Mount = (folder: string) => void

const smallDiskOf =
  (bytes: number): Mount =>
  (folder) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', folder])

interface FailingDisk {
  readonly mount: Mount
  /** From now on every write fails (EROFS or EIO), also to files that are open. */
  readonly fail: () => void
  /** To be called once nobody has a file open there. */
  readonly mend: () => void
}

/** An ext4 in a file: the kernel itself can be told that it is broken. */
const failingDisk = async (t: ExecutionContext): Promise<FailingDisk> => {
  const folder = await temporaryFolder(t)
  const image = join(folder, 'disk')
  await writeFile(image, '')
  await truncate(image, 16 * MIB)
  execFileSync('mkfs.ext4', ['-q', '-F', image], { stdio: 'ignore' })
  let place = ''
  const mount: Mount = (at) => {
    place = at
    execFileSync('mount', ['-o', 'loop', image, at])
  }
  return {
    mount,
    fail: () => void execFileSync('mount', ['-o', 'remount,abort', place]),
    mend: () => {
      execFileSync('umount', [place])
      mount(place)
    },
  }
}

/** A repository with some locks; its state lies on a disk of its own. */
const begin = async (
  t: ExecutionContext,
  mount: Mount,
  args: readonly string[] = [],
): Promise<{ world: World; gateway: Service; client: PlainClient }> => {
  t.timeout(patienceMs)
  const world = await World.open(t)
  const state = stateOf(world)
  await mkdir(state, { mode: 0o700 })
  mount(state)
  t.teardown(() => execFileSync('umount', ['-l', state]))
  const gateway = await world.gateway({ args })
  const client = new PlainClient(gateway)
  await client.ask('POST', '?create=true')
  await client.ask('POST', 'config', Buffer.from('config'))
  await client.open()
  for (let at = 0; at < 5; at += 1) t.is((await client.save('locks', lock(at))).status, 200)
  return { world, gateway, client }
}

/** Takes all that is left of the disk, until the journal finds no room either; the answer gives it back. */
const fillUp = async (world: World, client: PlainClient): Promise<() => Promise<void>> => {
  const file = join(stateOf(world), 'fills-the-disk')
  const refused = async (): Promise<true | undefined> => {
    for (const size of [MIB, 4096, 1]) {
      for (;;) {
        const isFull = await writeFile(file, Buffer.alloc(size), { flag: 'a' }).then(
          () => false,
          () => true,
        )
        if (isFull) break
      }
    }
    return (await client.save('locks', lock(performance.now()))).status === 200
      ? undefined
      : true
  }
  await eventually('the journal to find no room', refused)
  return () => rm(file)
}

/** It starts without a word of damage, has all that it promised, and takes writes. */
const isBelieved = async (
  t: ExecutionContext,
  { world, gateway, client }: { world: World; gateway: Service; client: PlainClient },
): Promise<void> => {
  t.notRegex(gateway.child.output, /damaged/)
  t.deepEqual(await client.lost(), [])
  t.is((await client.save('locks', lock('afterwards'))).status, 200)
  await gateway.stop()
  t.deepEqual(await brokenChainsOf(world), [])
}

for (const end of ['stop', 'kill'] as const) {
  testMounted(`${end} at a full disk, and a start when there is room again`, async (t) => {
    const all = await begin(t, smallDiskOf(4 * MIB))
    const free = await fillUp(all.world, all.client)
    const ended = await all.gateway[end]()
    if (end === 'stop') t.is(ended.code, 0, ended.stderr)
    await free()
    await all.gateway.start()
    await isBelieved(t, all)
  })
}

testMounted(
  'a stop while the disk fails for good, and a start when it is well again',
  async (t) => {
    const disk = await failingDisk(t)
    const all = await begin(t, disk.mount)
    disk.fail()
    t.not((await all.client.save('locks', lock('while it fails'))).status, 200)
    const ended = await all.gateway.stop()
    t.is(ended.code, 0, ended.stderr)
    disk.mend()
    await all.gateway.start()
    await isBelieved(t, all)
  },
)

testMounted('an end that takes longer than its limit', async (t) => {
  const all = await begin(t, smallDiskOf(4 * MIB))
  const { child, port } = all.gateway
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const pack = `data/${'0'.repeat(64)}`
  socket.write(
    `POST /repo/${pack} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n\r\nslow`,
  )
  await eventually('the upload to be under way', async () => {
    // Beside its target, which lies on another disk than the state.
    const staging = join(all.world.repositories, 'repo', '.lockkeeper', 'staging')
    return (await readdir(staging).catch(() => [])).length > 0 || undefined
  })
  child.signal('SIGTERM')
  await child.says(/"ending"/)
  child.signal('SIGSTOP')
  await setTimeout(10_000)
  child.signal('SIGCONT')
  const ended = await child.ended
  t.is(ended.code, 0, ended.stderr)
  t.regex(ended.stderr + ended.stdout, /ended before all requests were over/)
  await all.gateway.start()
  await isBelieved(t, all)
})
