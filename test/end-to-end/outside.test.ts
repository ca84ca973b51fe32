/** restic straight on the folder, past the gateway: beside it, while it is down, and with its state lost or put back. */
import type { ExecutionContext } from 'ava'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MIB, randomBytes, writeFiles } from './harness/content.js'
import {
  brokenChainsOf,
  journalOf,
  quarantineOf,
  statusOf,
  type RepositoryStatus,
} from './harness/facts.js'
import { PlainClient } from './harness/plain-client.js'
import type { Service } from './harness/service.js'
import { savedBy, startSleeper, type Sleeper } from './harness/sleeper.js'
import { backUp, soundness, type Saved } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

const VERSION = '0.18'

interface Context {
  readonly world: World
  readonly gateway: Service
  /** The repository's folder. */
  readonly folder: string
  /** Backed up before: one snapshot to stay, one to be forgotten. */
  readonly kept: Saved
  readonly old: Saved
}

/** A repository with two backups, and a gateway that serves it. */
async function openScene(t: ExecutionContext): Promise<Context> {
  const world = await World.open(t)
  const folder = await world.repository(VERSION)
  const gateway = await world.gateway()
  const [kept, old] = [
    await backUpNew(world, folder, 'kept'),
    await backUpNew(world, folder, 'old'),
  ]
  return { world, gateway, folder, kept, old }
}

/** A backup of a new file, past the gateway or through it. */
async function backUpNew(world: World, repository: string, seed: string): Promise<Saved> {
  const source = world.path(seed)
  await mkdir(source)
  await writeFiles(source, seed, { file: MIB })
  return backUp(world, VERSION, repository, source)
}

/** Its locks go first, as an administrator would do it who believes that nobody is at work. */
async function pruneAway({ world, old }: Context, repository: string): Promise<void> {
  await world.run(VERSION, ['-r', repository, 'unlock', '--remove-all'])
  await world.run(VERSION, ['-r', repository, 'forget', '--prune', old.snapshot])
}

async function fallAsleep({ world, gateway, folder }: Context): Promise<Sleeper> {
  const repository = tagged(gateway)
  const sleeper = await startSleeper(world, {
    ...{ version: VERSION, repository, folder, seed: 'asleep', home: 'laptop' },
  })
  await sleeper.child.sleep()
  return sleeper
}

function tagged(gateway: Service): string {
  return gateway.url('repo').replace('/repo/', '/-/w/sleeper/repo/')
}

async function statusOfRepo(world: World): Promise<RepositoryStatus> {
  const [status] = await statusOf(world)
  if (status === undefined) throw new Error('no repository')
  return status
}

/** It wakes, is told that it was overtaken (or was never known), and nothing of it gets into the repository. */
async function isFenced(
  t: ExecutionContext,
  { world, folder, kept }: Context,
  sleeper: Sleeper,
  told: RegExp,
): Promise<void> {
  sleeper.child.wake()
  const ended = await sleeper.finish()
  t.not(ended.code, 0, ended.stdout)
  t.deepEqual(savedBy(sleeper, ended), [])
  t.regex(ended.stderr, told)
  t.true((await quarantineOf(world)).length > 0)
  t.deepEqual(await soundness(world, folder, [kept]), [])
}

testWith('restic-0.18')(
  'a prune past the gateway overtakes a sleeper that wakes before anybody else has come',
  async (t) => {
    const context = await openScene(t)
    const sleeper = await fallAsleep(context)
    await pruneAway(context, context.folder)
    await isFenced(t, context, sleeper, /a prune past this gateway/)
  },
)

testWith('restic-0.18')(
  'a prune past the gateway overtakes whoever had begun, from the next opening on',
  async (t) => {
    const context = await openScene(t)
    const { world, gateway, folder } = context
    const sleeper = await fallAsleep(context)
    const before = (await statusOfRepo(world)).generation
    await pruneAway(context, folder)
    await world.run(VERSION, ['-r', gateway.url('repo'), 'snapshots'])
    t.like(await statusOfRepo(world), { generation: before + 1 })
    await isFenced(t, context, sleeper, /a prune past this gateway/)
    const { stdout } = await world.lockkeeper('status')
    t.regex(stdout, /USED PAST THE GATEWAY.*[1-9]\d* objects vanished/)
    await gateway.child.says(/the folder was used past the gateway/)
  },
)

testWith('restic-0.18')(
  'a prune while the gateway is down overtakes whoever had begun, from the start on',
  async (t) => {
    const context = await openScene(t)
    const { world, gateway, folder } = context
    const sleeper = await fallAsleep(context)
    const before = (await statusOfRepo(world)).generation
    await gateway.stop()
    await pruneAway(context, folder)
    await gateway.start()
    await gateway.child.says(/the folder was used past the gateway/)
    t.like(await statusOfRepo(world), { generation: before + 1 })
    await isFenced(t, context, sleeper, /a prune past this gateway/)
  },
)

testWith('restic-0.18')('a backup and a forget past the gateway overtake nobody', async (t) => {
  const context = await openScene(t)
  const { world, gateway, folder, old } = context
  const sleeper = await fallAsleep(context)
  const { generation } = await statusOfRepo(world)
  const theirs = await backUpNew(world, folder, 'theirs')
  await world.run(VERSION, ['-r', folder, 'unlock', '--remove-all'])
  await world.run(VERSION, ['-r', folder, 'forget', old.snapshot])
  await world.run(VERSION, ['-r', gateway.url('repo'), 'snapshots'])
  t.like(await statusOfRepo(world), { generation })
  const events = (await journalOf(world)).filter(({ kind }) => kind === 'outside')
  t.like(events, [{ vanished: [], appeared: { length: 1 } }])
  sleeper.child.wake()
  const ended = await sleeper.finish()
  t.is(ended.code, 0, ended.stderr)
  const saved = [context.kept, theirs, ...savedBy(sleeper, ended)]
  t.deepEqual(await soundness(world, folder, saved), [])
})

testWith('restic-0.18')(
  'with a lost state a sleeper is unknown and fenced, and the start says it',
  async (t) => {
    const context = await openScene(t)
    const { world, gateway, folder } = context
    const sleeper = await fallAsleep(context)
    await pruneAway(context, gateway.url('repo'))
    await gateway.stop()
    await rm(join(world.repositories, '.lockkeeper'), { recursive: true })
    await gateway.start()
    await gateway.child.says(/a repository is new to this gateway, or its state was lost/)
    await isFenced(t, context, sleeper, /did not see this run begin/)
    const { stdout } = await world.lockkeeper('status')
    t.regex(stdout, /known to this gateway since/)
    const next = await backUpNew(world, gateway.url('repo'), 'next')
    t.deepEqual(
      await soundness(world, folder, [next]),
      [],
      'whoever begins now is not disturbed',
    )
  },
)

testWith('restic-0.18')(
  'with an older state put back a prune since then is found, and the start says it',
  async (t) => {
    const context = await openScene(t)
    const { world, gateway } = context
    const state = join(world.repositories, '.lockkeeper')
    const sleeper = await fallAsleep(context)
    await gateway.stop()
    await copyFile(join(state, 'journal.sqlite'), world.path('older'))
    await gateway.start()
    await pruneAway(context, gateway.url('repo'))
    await gateway.stop()
    for (const name of await readdir(state)) {
      if (name.startsWith('journal.sqlite')) await rm(join(state, name))
    }
    await copyFile(world.path('older'), join(state, 'journal.sqlite'))
    await gateway.start()
    await gateway.child.says(/the folder was used past the gateway/)
    await isFenced(t, context, sleeper, /a prune past this gateway/)
    await eventually('the status to say it', async () => {
      return (await world.lockkeeper('status')).stdout.includes('USED PAST THE GATEWAY')
    })
  },
)

testWith('restic-0.18')(
  'what restic removes from the folder after the power went is no reason to refuse the repository',
  async (t) => {
    const world = await World.open(t)
    const folder = await world.repository(VERSION)
    const kept = await backUpNew(world, folder, 'kept')
    const env = { LOCKKEEPER_FAILPOINT: 'after-publish:1' }
    const dying = await world.gateway({ env })
    const client = new PlainClient(dying)
    await client.open()
    await t.throwsAsync(client.save('locks', randomBytes('lock', 200)))
    await dying.child.ended
    t.is((await readdir(join(folder, 'locks'))).length, 1)
    await world.run(VERSION, ['-r', folder, 'unlock', '--remove-all'])
    t.deepEqual(await readdir(join(folder, 'locks')), [])

    const gateway = await world.gateway()
    await gateway.child.says(/the folder was used past the gateway/)
    const next = await backUpNew(world, gateway.url('repo'), 'next')
    t.deepEqual(await soundness(world, folder, [kept, next]), [])
    t.deepEqual(await brokenChainsOf(world), [])
  },
)
