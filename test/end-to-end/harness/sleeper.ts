/** Knows the laptop of the story: a backup that is held open after it has uploaded packs that no index names yet. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Child, Ended } from './child.js'
import type { ResticVersion } from './clients.js'
import { contentsOfOne, MIB, randomBytes, type Contents } from './content.js'
import type { Forwarder } from './forwarder.js'
import { savedSnapshot, type Saved } from './soundness.js'
import { eventually } from './wait.js'
import type { World } from './world.js'

const FILE_NAME = 'stdin'

/** restic fills up to two packs of 16 MiB at a time before it uploads one. */
const FEED_BYTES_MAX = 80 * MIB

/** What restic 0.17 and later say once, before they stop; 0.14 speaks of ten tries, for 50 s, and always stops. */
const TOLD_FOR_GOOD = /Save\(.*failed: .*(permission denied|HTTP response \(403\))/
const TOLD_PATIENCE_MS = 20_000

export interface SleeperOptions {
  readonly version: ResticVersion
  /** The repository's address, and the folder where its packs land. */
  readonly repository: string
  readonly folder: string
  /** The sleeper's own line, if it has one: then it falls asleep with no answer outstanding. */
  readonly line?: Forwarder
  readonly seed: string
  /** Fed first: content that an older snapshot has, so that the new one leans on the old one's packs. */
  readonly leansOn?: Uint8Array
  readonly home?: string
}

/** A running `backup --stdin` whose input the test has not ended. */
export interface Sleeper {
  readonly child: Child
  /** What its snapshot would hold. */
  readonly contents: Contents
  /** Ends its input, so that it writes what is left, its index and its snapshot; resolves when it has ended. */
  readonly finish: () => Promise<Ended>
}

const countPacks = async (folder: string): Promise<number> => {
  const names = await readdir(join(folder, 'data'), { recursive: true })
  return names.filter((name) => /(^|\/)[0-9a-f]{64}$/.test(name)).length
}

/** Feeds a backup until the repository has a pack of it; it then waits, asleep or not, for more input. */
export const startSleeper = async (world: World, options: SleeperOptions): Promise<Sleeper> => {
  const { version, repository, folder, line, seed, leansOn, home } = options
  const before = await countPacks(folder)
  const from = line?.exchanges.length
  // On a folder, restic with its two connections may hang after a refused pack (docs/FUSE.md).
  const isFolder = !repository.includes(':')
  const flags = isFolder ? ['-o', 'local.connections=8'] : []
  const args = ['-r', repository, ...flags, 'backup', '--stdin', '--stdin-filename', FILE_NAME]
  const child = world.restic(version, args, { isStdinOpen: true, ...(home && { home }) })
  const fed: Uint8Array[] = []
  const feed = async (bytes: Uint8Array): Promise<void> => {
    fed.push(bytes)
    await child.feed(bytes)
  }
  const isUploaded = async (): Promise<boolean> => {
    if (child.isOver) throw new Error(`the sleeper ended early:\n${child.output}`)
    return (await countPacks(folder)) > before
  }

  if (leansOn !== undefined) await feed(leansOn)
  for (let count = 0; count * MIB < FEED_BYTES_MAX && !(await isUploaded()); count++)
    await feed(randomBytes(`${seed}/${count}`, MIB))
  await eventually(() => `a pack of the sleeper, which said:\n${child.output}`, isUploaded)
  await line?.answered('POST data/', from)
  await line?.quiet(from)

  const finish = async (): Promise<Ended> => {
    child.endInput()
    return isFolder || world.speaks === 'rest' ? endedOnceTold(child) : world.endOf(child)
  }
  return { child, contents: contentsOfOne(FILE_NAME, Buffer.concat(fed)), finish }
}

/**
 * restic 0.18 that was told of a refused pack may go on waiting for 23 minutes, until its lock is too old: often on a
 * folder, seldom elsewhere (docs/FUSE.md). It has been told, and has nothing left to write: it is ended here.
 */
const endedOnceTold = async (child: Child): Promise<Ended> => {
  const over = new AbortController()
  const { signal } = over
  const ending = (async () => {
    while (!signal.aborted && !TOLD_FOR_GOOD.test(child.output))
      await delay(100, undefined, { signal })
    await delay(TOLD_PATIENCE_MS, undefined, { signal })
    child.signal('SIGINT')
  })()
  ending.catch(() => undefined)
  try {
    return await child.ended
  } finally {
    over.abort()
  }
}

/** What a sleeper's end says is saved: nothing unless it reports a snapshot. */
export const savedBy = (sleeper: Sleeper, ended: Ended): readonly Saved[] => {
  const snapshot = savedSnapshot(ended)
  return snapshot === undefined ? [] : [{ snapshot, contents: sleeper.contents }]
}
