/** Real restic checks a repository as it would be with items of the quarantine released; then they are released. */
import type { ExecutionContext } from 'ava'
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RestWriter } from '../gateway/rest-writer.js'
import type { ItemView, OverlayView } from '../../gateway/operate/admin/views.js'
import { writeFiles } from './harness/content.js'
import { journalOf, quarantineOf } from './harness/facts.js'
import type { Ended } from './harness/child.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

type Kept = Pick<ItemView, 'id' | 'object'>

const version = '0.18'

const namesIn = async (repository: string): Promise<string[]> => {
  const names: string[] = []
  for (const type of ['index', 'snapshots'])
    for (const id of await readdir(join(repository, type))) names.push(`${type}/${id}`)
  for (const folder of await readdir(join(repository, 'data')))
    for (const id of await readdir(join(repository, 'data', folder))) names.push(`data/${id}`)
  return names
}

const placeOf = (repository: string, name: string): string => {
  const [type = '', id = ''] = name.split('/')
  return type === 'data' ? join(repository, type, id.slice(0, 2), id) : join(repository, name)
}

/** A repository with a snapshot; a second one, which a whole and real backup made, was fenced and is in quarantine. */
const fenced = async (t: ExecutionContext) => {
  const world = await World.open(t)
  await world.repository(version, 'repo')
  const own = world.path('repositories', 'repo')
  const copy = world.path('copy')
  const files = world.path('files')
  await writeFiles(files, 'one', { a: 50_000 })
  await world.run(version, ['-r', own, 'backup', files])
  const before = new Set(await namesIn(own))
  await cp(own, copy, { recursive: true })
  await writeFiles(files, 'two', { b: 50_000 })
  await world.run(version, ['-r', copy, 'backup', files])
  const late = (await namesIn(copy)).filter((name) => !before.has(name))

  const gateway = await world.gateway()
  const sleeper = new RestWriter(gateway.port, 'repo', 'sleeper')
  await sleeper.begin()
  await world.lockkeeper('fence', 'repo', '--reason', 'a test')
  for (const name of late) {
    const bytes = await readFile(placeOf(copy, name))
    t.is(await sleeper.post({ name, bytes }), 403)
  }
  const items = await quarantineOf(world)
  t.is(items.length, late.length)
  return { world, gateway, items, url: `rest:http://127.0.0.1:${gateway.port}/repo/` }
}

const ofType = (items: readonly Kept[], type: string): readonly Kept[] =>
  items.filter(({ object }) => object.startsWith(`${type}/`))

const idsOf = (items: readonly Kept[]): readonly string[] => items.map(({ id }) => id)

const overlayOf = async (world: World, ...args: readonly string[]): Promise<OverlayView> => {
  const { stdout } = await world.lockkeeper('quarantine', 'overlay', ...args, '--json')
  return JSON.parse(stdout) as OverlayView
}

/** Runs the very command that was printed. */
const check = async (
  world: World,
  { command }: OverlayView,
  ...more: string[]
): Promise<Ended> => {
  const [program, ...args] = command.split(' ')
  if (program !== 'restic') throw new Error(command)
  return world.endOf(world.restic(version, [...args, ...more]))
}

const release = async (world: World, ...ids: readonly string[]): Promise<Ended> =>
  world.lockkeeper('quarantine', 'release', ...ids, '--reason', 'the check passed')

testWith('restic-0.18')(
  'what a check of an overlay has read whole is released without --force',
  async (t) => {
    const { world, url, items } = await fenced(t)
    const [snapshot] = idsOf(ofType(items, 'snapshots'))
    const opened = await overlayOf(world, ...idsOf(items))
    t.like(opened, { repository: 'repo', state: 'unread', proof: null })
    t.regex((await release(world, snapshot ?? '')).stderr, /quarantine overlay/)

    const { stdout } = await world.run(version, [
      '-r',
      opened.command.split(' ')[2] ?? '',
      'snapshots',
      '--no-lock',
    ])
    t.regex(stdout, /2 snapshots/)
    t.is((await overlayOf(world, '--show', opened.id)).state, 'reading', 'a list is no check')
    t.not((await release(world, snapshot ?? '')).code, 0)

    t.is((await check(world, opened, '--read-data')).code, 0)
    const read = await overlayOf(world, '--show', opened.id)
    t.like(read, { state: 'read', left: 0, proof: { indexes: 2, snapshots: 2 } })
    t.not((await release(world, snapshot ?? '')).code, 0, 'what it leans on comes first')
    t.is((await release(world, ...idsOf(items).toReversed())).code, 0)
    const released = (await journalOf(world)).filter(({ kind }) => kind === 'released')
    t.is(released.length, items.length)
    t.like(released.at(-1), {
      forced: false,
      proof: { overlay: opened.id, indexes: 2, snapshots: 2 },
    })
    t.regex(
      String(released.at(-1)?.sentence),
      /after a check that read 2 indexes and 2 snapshots/,
    )

    await world.run(version, ['-r', url, 'check', '--read-data'])
    t.regex((await world.run(version, ['-r', url, 'snapshots'])).stdout, /2 snapshots/)
  },
)

testWith('restic-0.18')(
  'an overlay that lacks what its items name fails the check, and changes nothing',
  async (t) => {
    const { world, url, items } = await fenced(t)
    const without = await overlayOf(
      world,
      ...idsOf(items.filter(({ object }) => !object.startsWith('data/'))),
    )
    const failed = await check(world, without)
    t.not(failed.code, 0)
    t.regex(failed.stderr, /does not exist|not found/)
    const written = await fetch(
      url.replace('rest:', '').replace('/repo/', `${without.path}locks/${'0'.repeat(64)}`),
      {
        method: 'POST',
        body: 'x',
      },
    )
    t.is(written.status, 405)
    await world.run(version, ['-r', url, 'check'])
  },
)

testWith('restic-0.18')(
  'packs that leave the repository after the check spoil it',
  async (t) => {
    const { world, url, items } = await fenced(t)
    const opened = await overlayOf(world, ...idsOf(items))
    t.is((await check(world, opened)).code, 0)
    t.is((await overlayOf(world, '--show', opened.id)).state, 'read')
    const prune = ['forget', '--keep-last', '1', '--prune', '--max-unused', '0']
    await world.run(version, ['-r', url, ...prune])
    await world.run(version, ['-r', url, 'backup', '--force', world.path('files')])
    await world.run(version, ['-r', url, ...prune, '--group-by', ''])
    t.is((await overlayOf(world, '--show', opened.id)).state, 'spoiled')
    const [index] = idsOf(ofType(items, 'index'))
    t.not((await release(world, index ?? '')).code, 0)
  },
)
