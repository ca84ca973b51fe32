/**
 * The one process of a mount: it translates, decides nothing, and spawns nothing, since /dev/fuse would be inherited. It
 * must not touch its own mount. When the process that started it goes, it goes too.
 */
import { once } from 'node:events'
import { statfs } from 'node:fs/promises'
import { keepHeapSmall } from '../program/heap.js'
import { CallingProcesses } from './calling-process.js'
import { Deadlines, defaultDeadlinesMs } from './deadlines.js'
import type { HelperMessage, MountOrder } from './helper-messages.js'
import { defaultHungPaths, HungPaths } from './hung-paths.js'
import { whereItWorks } from './own-disk.js'
import { prepareMount } from './kernel-mount.js'
import { MixedFiles } from './mixed-files.js'
import { Openings } from './openings.js'
import type { Space } from './operations.js'
import { PlainPlaces } from './plain-places.js'
import { RepositoryFiles } from './repository-files.js'
import { RepositoryTree } from './repository-tree.js'

const processCheckMs = 1_000

keepHeapSmall()

process.once('message', (order) => {
  const isClear = once(process, 'message')
  mount(order as MountOrder, isClear).then(
    () => say({ kind: 'mounted' }),
    (error: unknown) => say({ kind: 'failed', ...describe(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
// The terminal's signals go to the whole group; it is for the parent to unmount first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => undefined)

async function mount(order: MountOrder, isClear: Promise<unknown>): Promise<void> {
  const { basis, spaceOf } = order
  const address = await whereItWorks(order.address)
  const onRefused = (sentence: string, object: string): void =>
    say({ kind: 'refused', object, sentence })
  const openings = new Openings({ address, onRefused })
  const tree = new RepositoryTree(address)
  const space = async (): Promise<Space> => spaceIn(spaceOf)
  const files = new RepositoryFiles({ tree, openings, basis, space })
  const processes = new CallingProcesses(order.as, (exited) => files.exited(exited))
  setInterval(() => processes.check(), processCheckMs)
  const operations =
    order.plainRoot === undefined
      ? files
      : new MixedFiles(files, new PlainPlaces(order.plainRoot))
  const mountNow = await prepareMount({
    ...order,
    operations,
    processes,
    deadlines: new Deadlines(defaultDeadlinesMs),
    hungPaths: new HungPaths(defaultHungPaths),
    refused: new Set(order.refusedPids),
    onFault: (error, call) => say({ kind: 'fault', call, message: describe(error).message }),
  })
  say({ kind: 'ready' })
  await isClear
  await mountNow()
}

/** Of a gateway elsewhere it is not known: as much as statfs can say. */
const unknownSpace: Space = {
  blockBytes: 1024 * 1024,
  blocks: 0xffffffff,
  free: 0xffffffff,
  available: 0xffffffff,
}

async function spaceIn(folder: string | undefined): Promise<Space> {
  if (folder === undefined) return unknownSpace
  const { bsize, blocks, bfree, bavail } = await statfs(folder)
  // fuse-native keeps 32 bits of each number, so the blocks are large ones.
  const blockBytes = 1024 * 1024
  const scaled = (count: number): number =>
    Math.min(0xffffffff, Math.floor((count * bsize) / blockBytes))
  return { blockBytes, blocks: scaled(blocks), free: scaled(bfree), available: scaled(bavail) }
}

function say(message: HelperMessage): void {
  if (process.connected) process.send?.(message)
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) }
  const code = 'code' in error ? String(error.code) : ''
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return { code, message: `${error.message}${cause}` }
}
