/** Knows how a story must end, and asks the repository's folder and the gateway whether it did. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Ended } from '../harness/child.js'
import {
  brokenChainsOf,
  journalOf,
  quarantineOf,
  statusOf,
  type JournalRecord,
  type QuarantinedItem,
} from '../harness/facts.js'
import { soundness, type Saved } from '../harness/soundness.js'
import type { World } from '../harness/world.js'
import type { ServerKind } from './stage.js'

/** A repository and the world of its server. */
export interface Place {
  readonly world: World
  readonly folder: string
}

export interface Ending {
  /** What was reported as saved, and nobody has forgotten since: it must come back byte for byte. */
  readonly saved: readonly Saved[]
  /** Who was overtaken: each must have been told, in words. */
  readonly overtaken: readonly Ended[]
  readonly generation: number
  /** The reason of every item in quarantine; without it there must be none. */
  readonly quarantined?: string
  /** However often its client tries, an item is kept once; so often was the most-tried one tried, or more. */
  readonly triesMin?: number
  /** Parts of records that the journal must hold, in this order, whatever stands between them. */
  readonly journal: readonly Partial<JournalRecord>[]
}

export interface Verdict {
  /** Undefined where nobody was overtaken. */
  readonly isTold: boolean | undefined
  readonly isSound: boolean
  /** All that did not end as promised, one sentence each. */
  readonly problems: readonly string[]
}

/** The kernel hands on no words: on a mount they are its command's to say, and the client has an error. */
const tellings: Readonly<Record<ServerKind, RegExp>> = {
  gateway: /\bfenced: /,
  'rest-server': /\bfenced: /,
  mount: /permission denied/,
}

const isTold = ({ code, stdout, stderr }: Ended, kind: ServerKind): boolean =>
  code !== 0 && tellings[kind].test(stdout + stderr)

const tellingProblems = ({ overtaken }: Ending, kind: ServerKind): readonly string[] =>
  overtaken
    .filter((ended) => !isTold(ended, kind))
    .map(
      ({ code, stdout, stderr }) =>
        `overtaken, but not told (exit ${code ?? '?'}):\n${stdout}${stderr}`,
    )

const holds = (record: JournalRecord, part: Partial<JournalRecord>): boolean =>
  Object.entries(part).every(([name, value]) => isDeepStrictEqual(record[name], value))

/** The parts that do not follow on one another in the records. */
const missingOf = (
  records: readonly JournalRecord[],
  parts: readonly Partial<JournalRecord>[],
): readonly string[] => {
  let at = 0
  for (const [index, part] of parts.entries()) {
    const found = records.findIndex((record, place) => place >= at && holds(record, part))
    if (found === -1) return parts.slice(index).map((missing) => JSON.stringify(missing))
    at = found + 1
  }
  return []
}

const journalProblems = async (
  { world }: Place,
  { journal }: Ending,
): Promise<readonly string[]> => {
  const records = await journalOf(world)
  const missing = missingOf(records, journal)
  return [
    ...missing.map(
      (part) => `not in the journal: ${part}; ${records.map(({ kind }) => kind).join(' ')}`,
    ),
    ...(await brokenChainsOf(world)),
  ]
}

/** Where restic's layout has an object. */
const pathOf = (object: string): string =>
  object.replace(/^data\/(..)/, (_whole, start: string) => `data/${start}/${start}`)

const itemProblems = async (
  place: Place,
  { id, object, reason, repository }: QuarantinedItem,
  expected: string | undefined,
): Promise<readonly string[]> => {
  const isThere = await stat(`${place.folder}/${pathOf(object)}`).catch(() => undefined)
  const problems = [
    ...(reason === expected ? [] : [`reason ${reason}, not ${expected ?? 'kept at all'}`]),
    ...(repository === basename(place.folder) ? [] : [`repository ${repository}`]),
    ...(isThere === undefined ? [] : ['the object is in the repository too']),
  ]
  return problems.map((problem) => `item ${id} (${object}): ${problem}`)
}

const quarantineProblems = async (
  place: Place,
  { quarantined, triesMin = 1 }: Ending,
): Promise<readonly string[]> => {
  const items = await quarantineOf(place.world)
  const objects = new Set(items.map(({ object }) => object))
  const problems: string[] = []
  for (const item of items) problems.push(...(await itemProblems(place, item, quarantined)))
  if (objects.size < items.length) problems.push('an object is in quarantine twice')
  if (quarantined === undefined) return problems
  // Behind rclone a client is ended once it was told, so it does not try for long, and a prune whose deletion was
  // refused (which has no bytes) may not have come to upload anything more.
  const isEnded = place.world.speaks === 'webdav'
  const tries = Math.max(0, ...items.map((item) => item.tries))
  if (items.length === 0 && !(isEnded && quarantined === 'conflict'))
    problems.push('nothing is in quarantine')
  if (items.length > 0 && !isEnded && tries < triesMin)
    problems.push(`tried ${tries} times, not ${triesMin} or more`)
  return problems
}

const statusProblems = async (
  { world, folder }: Place,
  { generation }: Ending,
): Promise<readonly string[]> => {
  const found = (await statusOf(world)).find(
    ({ name }) => name === basename(folder),
  )?.generation
  return found === generation ? [] : [`generation ${found ?? '?'}, not ${generation}`]
}

/** Judges what the story left behind. What the gateway says of itself is asked only where there is one. */
export const judge = async (
  place: Place,
  ending: Ending,
  kind: ServerKind,
): Promise<Verdict> => {
  const damage = await soundness(place.world, place.folder, ending.saved)
  const untold = tellingProblems(ending, kind)
  const facts =
    kind !== 'rest-server'
      ? [
          ...(await statusProblems(place, ending)),
          ...(await quarantineProblems(place, ending)),
          ...(await journalProblems(place, ending)),
        ]
      : []
  return {
    isTold: ending.overtaken.length === 0 ? undefined : untold.length === 0,
    isSound: damage.length === 0,
    problems: [...damage, ...untold, ...facts],
  }
}
