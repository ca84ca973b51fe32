/** restic's commands as sequences of requests, in the measured order (RESTIC.md sections 1 and 4). */
import type { ObjectName } from '../../fencing/object.js'
import { named } from '../fencing/world.js'
import { beginLocked, type Locking } from './locking.js'
import { reachableBlobs } from './model.js'
import type { Command } from './plan.js'
import { Fatal, type Restic } from './restic.js'
import { planOf } from './stories.js'

type Act = (process: Restic) => Promise<void>

const acts: Readonly<Record<Command, Act>> = {
  backup: (process) => locked(process, false, () => backUp(process, 1)),
  copy: (process) => locked(process, false, () => backUp(process, 2)),
  tool: (process) => backUp(process, 1),
  prune: (process) => locked(process, true, () => prune(process)),
  forget: (process) => locked(process, true, () => forget(process)),
  'forget --prune': (process) =>
    locked(process, true, async () => {
      await forget(process)
      await prune(process)
    }),
  tag: (process) => locked(process, true, () => tag(process)),
  'repair index': (process) => locked(process, true, () => repairIndex(process)),
  migrate: (process) => locked(process, true, () => migrate(process)),
  check: (process) => locked(process, true, () => check(process)),
  'key add': (process) => locked(process, false, () => addKey(process)),
  snapshots: (process) => locked(process, false, () => listSnapshots(process)),
  monitor: (process) => listSnapshots(process),
  ls: (process) =>
    process.isOld ? restore(process, 0) : locked(process, false, () => restore(process, 0)),
  restore: (process) => locked(process, false, () => restore(process, 3)),
  'list locks': async (process) => {
    await process.list('locks')
  },
  unlock: (process) => unlock(process, false),
  'unlock --remove-all': (process) => unlock(process, true),
}

/** Runs a command from its opening to its end; answers whether it reported success. */
export async function runCommand(process: Restic): Promise<boolean> {
  try {
    if (!(await process.open())) return false
    await acts[process.plan.command](process)
    return true
  } catch (error) {
    if (error instanceof Fatal) return false
    throw error
  } finally {
    process.exit()
  }
}

/** The lock is let go of whatever becomes of the work, and refreshed meanwhile. */
async function locked(process: Restic, isExclusive: boolean, work: Act): Promise<void> {
  const locking: Locking | undefined = await beginLocked(process, isExclusive)
  if (locking === undefined) throw new Fatal('the repository is locked')
  try {
    await work(process)
  } finally {
    await locking.end()
  }
}

/** A pack of new blobs each, uploaded side by side, then what names them. */
async function backUp(process: Restic, snapshots: number): Promise<void> {
  const { situation, dice } = process
  const { contents } = situation
  await process.readCold((await process.list('snapshots')).slice(0, 1))
  const indexes = await process.list('index')
  await process.readCold(indexes)
  const seen = [...reachableBlobs(contents, indexes)]
  for (let round = 0; round < snapshots; round += 1) {
    await process.think()
    const leaned = dice.some(seen, 0.4)
    const isIndexedMidway = dice.happens(0.3)
    const packs: ObjectName[] = []
    const fresh: string[] = []
    for (let part = 0; part < (isIndexedMidway ? 2 : 1); part += 1) {
      const made = Array.from({ length: dice.whole(1, 3) }, (_, at) => {
        const blob = `blob ${process.plan.id}.${round}.${part}.${at}`
        fresh.push(blob)
        return newPack(process, [blob], `${round}.${part}.${at}`)
      })
      await all(made, (pack) => process.post(pack))
      await process.think()
      packs.push(...made)
      if (isIndexedMidway) {
        await postIndex(process, made, `${round}.${part}`)
        await process.think()
      }
    }
    if (!isIndexedMidway) await postIndex(process, packs, `${round}`)
    await process.think()
    await postSnapshot(process, [...leaned, ...fresh], `${round}`)
  }
}

/** Unreferenced packs go first; then the new index is written, the old ones go, and then what they alone named. */
async function prune(process: Restic): Promise<void> {
  const { contents } = process.situation
  const indexes = await process.list('index')
  await process.readCold(indexes)
  const snapshots = await process.list('snapshots')
  await process.readCold(snapshots)
  await process.think()
  const packs = await process.list('data')
  const plan = planOf(contents, indexes, snapshots, packs)
  const used = new Set(snapshots.flatMap((one) => contents.snapshots.get(one) ?? []))
  const known = reachableBlobs(contents, indexes)
  if ([...used].some((blob) => !known.has(blob))) throw new Fatal('data is missing')
  await process.think()
  // A refused deletion of a pack is printed and passed over.
  await all(plan.unreferenced, async (pack) => {
    await process.delete(pack)
    return true
  })
  if (plan.garbage.length === 0) return
  const { kept, repacked, isRepacking } = repack(process, plan.kept, used)
  const made: ObjectName[] = []
  const between: ObjectName[] = []
  if (isRepacking) {
    await process.readAll(repacked.packs.slice(0, 2))
    const pack = newPack(process, repacked.blobs, 'repacked')
    if (!(await process.post(pack))) throw new Fatal('cannot save a pack')
    made.push(pack)
    if (!process.isOld) between.push(await postIndex(process, made, 'between'))
  }
  await process.think()
  await postIndex(process, [...kept, ...made], 'pruned')
  await process.think()
  await all([...indexes, ...between], (index) => process.delete(index))
  await process.think()
  await all([...plan.garbage, ...repacked.packs], async (pack) => {
    await process.delete(pack)
    return true
  })
}

interface Repacked {
  readonly packs: ObjectName[]
  readonly blobs: string[]
}

/** A used pack is sometimes written anew, as one that is partly unused. */
function repack(
  process: Restic,
  kept: ObjectName[],
  used: ReadonlySet<string>,
): { kept: ObjectName[]; repacked: Repacked; isRepacking: boolean } {
  const { packs } = process.situation.contents
  const partly = kept.filter((pack) => (packs.get(pack) ?? []).some((blob) => !used.has(blob)))
  const isRepacking = partly.length > 0 || (kept.length > 0 && process.dice.happens(0.4))
  const chosen = partly.length > 0 ? partly : kept.slice(0, 1)
  if (!isRepacking) return { kept, repacked: { packs: [], blobs: [] }, isRepacking }
  const blobs = chosen.flatMap((pack) => packs.get(pack) ?? []).filter((blob) => used.has(blob))
  const rest = kept.filter((pack) => !chosen.includes(pack))
  return { kept: rest, repacked: { packs: chosen, blobs }, isRepacking }
}

async function forget(process: Restic): Promise<void> {
  const snapshots = await process.list('snapshots')
  await process.readCold(snapshots)
  await process.think()
  const doomed = process.dice.some(snapshots, 0.5).slice(0, Math.max(0, snapshots.length - 1))
  let isRefused = false
  for (const snapshot of doomed) isRefused = !(await process.delete(snapshot)) || isRefused
  if (isRefused && process.isOld) throw new Fatal('cannot remove a snapshot')
}

async function tag(process: Restic): Promise<void> {
  const { contents } = process.situation
  const [old] = await process.list('snapshots')
  if (old === undefined) return
  await process.think()
  await postSnapshot(process, contents.snapshots.get(old) ?? [], 'tagged')
  await process.delete(old)
}

async function repairIndex(process: Restic): Promise<void> {
  const indexes = await process.list('index')
  const packs = await process.list('data')
  await process.readCold(packs)
  await process.think()
  await postIndex(process, packs, 'repaired')
  await process.think()
  await all(indexes, (index) => process.delete(index))
}

async function migrate(process: Restic): Promise<void> {
  await process.list('snapshots')
  // Its own check opens the repository once more, and takes no lock.
  await process.openAgain(() => check(process))
  const config = 'config' as ObjectName
  if (!(await process.delete(config))) throw new Fatal('cannot remove the old config')
  if (!(await process.post(config))) throw new Fatal('cannot save the new config')
}

async function check(process: Restic): Promise<void> {
  await process.list('snapshots')
  const indexes = await process.list('index')
  await process.readAll(indexes.slice(0, 3))
  await process.think()
  const packs = await process.list('data')
  await process.readCold(packs)
}

async function listSnapshots(process: Restic): Promise<void> {
  const snapshots = await process.list('snapshots')
  await process.readCold(snapshots)
}

/** What it restores may be read for long, a few packs at a time. */
async function restore(process: Restic, parts: number): Promise<void> {
  await listSnapshots(process)
  const indexes = await process.list('index')
  await process.readCold(indexes)
  const packs = indexes.flatMap((index) => process.situation.contents.indexes.get(index) ?? [])
  for (let part = 0; part < parts; part += 1) {
    await process.think()
    await process.readAll(process.dice.some(packs, 0.5).slice(0, 2))
  }
}

async function addKey(process: Restic): Promise<void> {
  const key = named('keys', `key ${process.plan.id}`)
  if (!(await process.post(key))) throw new Fatal('no key')
  await process.list('keys')
  await process.read(key)
  await process.read('config' as ObjectName)
}

/** Stale are locks of processes that have died on this machine, and those of more than half an hour ago. */
async function unlock(process: Restic, isAll: boolean): Promise<void> {
  const { situation, plan } = process
  const { locks } = situation.contents
  const standing = await process.list('locks')
  if (!isAll) await process.readAll(standing)
  for (const lock of standing) {
    const made = locks.get(lock)
    const owner = situation.judge.owners.get(lock)
    const isOld = made === undefined || situation.time.now - made.at > 30 * 60_000
    const isDead = made?.client === plan.client && owner?.isOver === true
    if (isAll || isOld || isDead) await process.delete(lock)
  }
}

function newPack(process: Restic, blobs: readonly string[], label: string): ObjectName {
  const pack = named('data', `${process.plan.id} ${label}`)
  process.situation.contents.packs.set(pack, blobs)
  return pack
}

async function postIndex(
  process: Restic,
  packs: readonly ObjectName[],
  label: string,
): Promise<ObjectName> {
  const index = named('index', `${process.plan.id} ${label}`)
  process.situation.contents.indexes.set(index, packs)
  if (!(await process.post(index))) throw new Fatal('cannot save an index')
  return index
}

async function postSnapshot(
  process: Restic,
  blobs: readonly string[],
  label: string,
): Promise<void> {
  const snapshot = named('snapshots', `${process.plan.id} ${label}`)
  process.situation.contents.snapshots.set(snapshot, blobs)
  if (!(await process.post(snapshot))) throw new Fatal('cannot save a snapshot')
}

/** Side by side, as restic does; the first that is refused ends the run. */
async function all(
  objects: readonly ObjectName[],
  act: (object: ObjectName) => Promise<boolean>,
): Promise<void> {
  const results = await Promise.all(objects.map(act))
  if (results.includes(false)) throw new Fatal('a request was refused')
}
