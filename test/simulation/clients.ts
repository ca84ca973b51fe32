/** Model clients that take restic's steps in restic's order (RESTIC.md sections 1 and 4), one request at a time. */
import type { ObjectName } from '../../fencing/object.js'
import type { Channel } from '../../fencing/presence.js'
import {
  data,
  index,
  lock,
  snapshot,
  type SimulatedClient,
  type Told,
  type World,
} from '../fencing/world.js'
import { reachableBlobs, type Contents } from './model.js'

/** One request of a client at each `next`; it ends early where it is told to stop. */
export type Steps = AsyncGenerator<void, 'finished' | 'stopped'>

export interface Process {
  readonly world: World
  readonly contents: Contents
  readonly name: string
  readonly client: SimulatedClient
  /** The channel for the next request: a test may put the client on a new one at any time. */
  readonly channel: () => Channel
}

/** A backup that needs `blobs`: what an index names already is not uploaded again. */
export async function* backup(process: Process, blobs: readonly string[]): Steps {
  const { client, contents, channel, name } = process
  await client.open(channel())
  yield
  await client.post(lock(name), channel())
  yield
  await client.list('snapshots', channel())
  yield
  const seen = await client.list('index', channel())
  yield
  const known = reachableBlobs(contents, seen)
  const missing = blobs.filter((blob) => !known.has(blob))
  const pack = data(name)
  contents.packs.set(pack, missing)
  if (missing.length > 0) {
    if ((await client.post(pack, channel())) !== 'ok') return 'stopped'
    yield
    contents.indexes.set(index(name), [pack])
    if ((await client.post(index(name), channel())) !== 'ok') return 'stopped'
    yield
  }
  contents.snapshots.set(snapshot(name), blobs)
  if ((await client.post(snapshot(name), channel())) !== 'ok') return 'stopped'
  yield
  await client.delete(lock(name), channel())
  return 'finished'
}

/** Deletes unreferenced packs first, then writes the new index, then deletes the old ones and their packs. */
export async function* prune(process: Process): Steps {
  const { client, contents, channel, name } = process
  await client.open(channel())
  yield
  await client.post(lock(name), channel())
  yield
  const indexes = await client.list('index', channel())
  yield
  const snapshots = await client.list('snapshots', channel())
  yield
  const packs = await client.list('data', channel())
  yield
  const plan = planOf(contents, indexes, snapshots, packs)
  for (const pack of plan.unreferenced) {
    await client.delete(pack, channel())
    yield
  }
  if (plan.garbage.length === 0) return finish(process)
  contents.indexes.set(index(name), plan.kept)
  if ((await client.post(index(name), channel())) !== 'ok') return 'stopped'
  yield
  for (const old of indexes) {
    if ((await client.delete(old, channel())) !== 'ok') return 'stopped'
    yield
  }
  for (const pack of plan.garbage) {
    await client.delete(pack, channel())
    yield
  }
  return finish(process)
}

/** Writes one new index of all packs that stand, and deletes the old ones. */
export async function* repairIndex(process: Process): Steps {
  const { client, contents, channel, name } = process
  await client.open(channel())
  yield
  await client.post(lock(name), channel())
  yield
  const indexes = await client.list('index', channel())
  yield
  contents.indexes.set(index(name), await client.list('data', channel()))
  yield
  if ((await client.post(index(name), channel())) !== 'ok') return 'stopped'
  yield
  for (const old of indexes) {
    if ((await client.delete(old, channel())) !== 'ok') return 'stopped'
    yield
  }
  return finish(process)
}

async function finish(process: Process): Promise<'finished'> {
  await process.client.delete(lock(process.name), process.channel())
  return 'finished'
}

function planOf(
  contents: Contents,
  indexes: readonly ObjectName[],
  snapshots: readonly ObjectName[],
  packs: readonly ObjectName[],
): { unreferenced: ObjectName[]; garbage: ObjectName[]; kept: ObjectName[] } {
  const named = new Set(indexes.flatMap((one) => contents.indexes.get(one) ?? []))
  const used = new Set(snapshots.flatMap((one) => contents.snapshots.get(one) ?? []))
  const isUsed = (pack: ObjectName): boolean => {
    return (contents.packs.get(pack) ?? []).some((blob) => used.has(blob))
  }
  return {
    unreferenced: packs.filter((pack) => !named.has(pack)),
    garbage: [...named].filter((pack) => !isUsed(pack)),
    kept: [...named].filter(isUsed),
  }
}

export function isRefusal(told: Told): boolean {
  return told !== 'ok' && told !== 'knock'
}
