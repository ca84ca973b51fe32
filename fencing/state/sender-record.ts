/** Decides what the journal has of a process that may be one of several writers, and how it narrows, backwards too. */
import type {
  Author,
  ItemId,
  JournalEvent,
  Position,
  SenderId,
  WriterId,
} from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import type { Writer } from './writer.js'
import { own, type EventStamp, type RepositoryState } from './repository-state.js'

export interface SenderRecord {
  candidates: readonly WriterId[]
  /** What it uploaded; packs are only a flag, since they are too many and their author does not matter. */
  readonly objects: Set<ObjectName>
  readonly items: Set<ItemId>
  /** The position of its last look, and of its last listing of packs; 0 without one. */
  lookedAt: Position
  listedPacksAt: Position
  hasLocked: boolean
  hasPosted: boolean
}

export function newSenderRecord(candidates: readonly WriterId[]): SenderRecord {
  return {
    candidates,
    objects: new Set(),
    items: new Set(),
    lookedAt: 0,
    listedPacksAt: 0,
    hasLocked: false,
    hasPosted: false,
  }
}

/** The record of an unknown author's process; undefined for a sure author, and for records of older gateways. */
export function recordOf(state: RepositoryState, author: Author): SenderRecord | undefined {
  if (author.kind === 'writer' || author.sender === undefined) return undefined
  const known = state.senders.get(author.sender)
  if (known !== undefined) return known
  const made = newSenderRecord(author.candidates)
  state.senders.set(author.sender, made)
  return made
}

export function narrow(
  state: RepositoryState,
  { sender: id, writers }: Extract<JournalEvent, { kind: 'narrowed' }>,
  stamp: EventStamp,
): void {
  const record = state.senders.get(id)
  if (record === undefined) return
  const removed = record.candidates.filter((writer) => !writers.includes(writer))
  record.candidates = writers
  for (const object of record.objects) reauthor(state, object, id, writers)
  for (const name of record.items) {
    const item = state.items.get(name)
    if (item !== undefined) item.author = narrowed(item.author, id, writers)
  }
  for (const writer of removed) forgetPossibleActs(state, writer)
  const [only] = writers
  if (only === undefined || writers.length > 1) return
  act(state, only, record, stamp)
  const committed = state.lastCommits.get(id)
  if (committed !== undefined) {
    state.lastCommits.delete(id)
    state.lastCommits.set(only, Math.max(state.lastCommits.get(only) ?? 0, committed))
  }
  state.senders.delete(id)
}

/** What was recorded may have had fewer candidates than the process has: those that remain of both. */
function narrowed(author: Author, sender: SenderId, writers: readonly WriterId[]): Author {
  if (author.kind === 'writer' || author.sender !== sender) return author
  const both = author.candidates.filter((writer) => writers.includes(writer))
  const candidates = both.length === 0 ? writers : both
  const [only] = candidates
  return candidates.length === 1 && only !== undefined
    ? { kind: 'writer', writer: only }
    : { kind: 'unknown', candidates, sender }
}

function reauthor(
  state: RepositoryState,
  object: ObjectName,
  sender: SenderId,
  writers: readonly WriterId[],
): void {
  const commit = state.commits.get(object)
  if (commit === undefined) return
  commit.author = narrowed(commit.author, sender, writers)
  const { author } = commit
  if (author.kind === 'writer' && typeOf(object) === 'locks') own(state, object, author.writer)
}

/** All that the process did was this writer's. */
function act(
  state: RepositoryState,
  id: WriterId,
  { lookedAt, listedPacksAt, hasPosted }: SenderRecord,
  stamp: EventStamp,
): void {
  const writer = state.writers.get(id)
  if (writer === undefined) return
  if (lookedAt > 0) writer.hasLooked = writer.hasSurelyLooked = true
  if (listedPacksAt > 0) writer.mayHaveListedPacks = writer.hasSurelyListedPacks = true
  writer.hasPosted ||= hasPosted
  noteRecord(writer, stamp)
}

export function noteRecord(writer: Writer, { time, ran }: EventStamp): void {
  writer.lastRecorded = time
  writer.lastRecordedRan = ran
}

/** What only may have been its is not, save for what another process did that it may be, after its view was taken. */
export function forgetPossibleActs(state: RepositoryState, id: WriterId): void {
  const writer = state.writers.get(id)
  if (writer === undefined) return
  const others = [...state.senders.values()].filter((one) => one.candidates.includes(id))
  writer.hasLooked =
    writer.hasSurelyLooked ||
    writer.isFromBefore === true ||
    writer.mayHaveLookedAt > writer.view ||
    others.some((one) => one.lookedAt > writer.view)
  writer.mayHaveListedPacks =
    writer.hasSurelyListedPacks ||
    writer.mayHaveListedPacksAt > writer.view ||
    others.some((one) => one.listedPacksAt > writer.view)
}
