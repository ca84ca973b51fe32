/** Folds the journal, event by event, into what is known of a repository: nothing that the journal does not say. */
import {
  firstGeneration,
  generationAfter,
  type Author,
  type Generation,
  type ItemId,
  type JournalEvent,
  type Position,
  type SenderId,
  type WriterId,
} from '../journal/event.js'
import { forget } from './forgetting.js'
import { applyItemEvent } from './item-fold.js'
import { type Item, Allowance } from './item.js'
import type { LetThroughReason } from '../rules/refusal.js'
import { digestOf, typeOf, type ObjectName } from '../object.js'
import { narrow, noteRecord, recordOf, type SenderRecord } from './sender-record.js'
import type { Overtaking, Writer } from './writer.js'
import { Writers } from './writers.js'

const sweepEveryRecords = 1024

/** A lock that stands in the repository; who posted it is in its commit. */
export interface LockState {
  readonly position: Position
  readonly time: number
}

/** An upload of anything but a pack, remembered while somebody who may have sent it is: also when it has been deleted. */
export interface Commit {
  author: Author
  readonly position: Position
  /** The answer has surely reached its author. */
  isAnswered: boolean
  /** Not deleted since. */
  isStanding: boolean
  readonly isRepeated?: true
}

export interface OutsideUse {
  readonly time: number
  /** How many indexes. */
  readonly vanished: number
  readonly appeared: number
}

export interface EventStamp {
  readonly position: Position
  readonly time: number
  /** The running time. */
  readonly ran: number
}

export class RepositoryState {
  generation: Generation = firstGeneration
  position: Position = 0
  /** The running time at the last record; 0 while none had one. */
  ran = 0
  isAdopted = false
  /** When the repository came under this gateway, in milliseconds since the epoch. */
  adoptedAt = 0
  /** How the folder was last found used past the gateway. */
  outside: OutsideUse | null = null
  readonly writers = new Writers()
  readonly locks = new Map<ObjectName, LockState>()
  readonly commits = new Map<ObjectName, Commit>()
  /** What processes did that may be one of several writers. */
  readonly senders = new Map<SenderId, SenderRecord>()
  /** Names of all indexes that stand in the repository by the journal. */
  readonly indexes = new Set<ObjectName>()
  /** The last record that changed the set of indexes. */
  indexPosition: Position = 0
  /** Maintenance runs and fences that may overtake a living view. */
  runs: Overtaking[] = []
  /** The last commit of an index or a snapshot by each author; '' where not even a set is known. */
  readonly lastCommits = new Map<WriterId | SenderId | '', Position>()
  /** Who deleted the config last, if anybody ever did: where it stands again, a copy of that deletion may come late. */
  configDeletedBy: Author | undefined
  /** Where packs were published, as far back as the oldest living view. Keys are bare hex names. */
  readonly packs = new Map<string, Position>()
  readonly items = new Map<ItemId, Item>()
  /** The item of an object that is in quarantine or waits for a sure author. */
  readonly openItems = new Map<ObjectName, ItemId>()
  /** Commits and deletions that are recorded and not yet carried out. */
  readonly pendingCommits = new Map<ObjectName, Position>()
  readonly pendingDeletions = new Map<ObjectName, Position>()
  /** How often what would have been refused was let through, by the reason. */
  readonly passed = new Map<LetThroughReason, number>()
  readonly allowance: Allowance

  constructor(allowance: Allowance = new Allowance(Number.POSITIVE_INFINITY)) {
    this.allowance = allowance
  }

  /** The position before the oldest index or snapshot that is recorded and not yet published. */
  get commitView(): Position {
    return this.#viewBefore((object) => typeOf(object) !== 'data')
  }

  /** The position before the oldest pack that is recorded and not yet published. */
  get packView(): Position {
    return this.#viewBefore((object) => typeOf(object) === 'data')
  }

  #viewBefore(isMeant: (object: ObjectName) => boolean): Position {
    let view = this.position
    for (const [object, position] of this.pendingCommits) {
      if (isMeant(object)) view = Math.min(view, position - 1)
    }
    return view
  }

  living(): Writer[] {
    return [...this.writers.values()].filter((writer) => writer.ended === undefined)
  }

  apply(event: JournalEvent, stamp: EventStamp): void {
    this.position = stamp.position
    this.ran = Math.max(this.ran, stamp.ran)
    applyEvent(this, event, stamp)
    applyItemEvent(this, event, stamp)
    if (stamp.position % sweepEveryRecords === 0) forget(this, stamp.ran)
  }

  /** Whether the effect of this record is still wanted: no later record of the same object has taken its place. */
  isPending(event: JournalEvent, position: Position): boolean {
    if (event.kind === 'committed' || event.kind === 'released') {
      return this.pendingCommits.get(event.object) === position
    }
    return event.kind !== 'deleted' || this.pendingDeletions.get(event.object) === position
  }

  /** Notes that the effect of the record at this position has been carried out. */
  settle(event: JournalEvent, position: Position): void {
    if (event.kind === 'committed' || event.kind === 'released') {
      if (this.pendingCommits.get(event.object) === position)
        this.pendingCommits.delete(event.object)
    } else if (event.kind === 'deleted') {
      if (this.pendingDeletions.get(event.object) === position) {
        this.pendingDeletions.delete(event.object)
      }
    }
  }
}

function applyEvent(state: RepositoryState, event: JournalEvent, stamp: EventStamp): void {
  switch (event.kind) {
    case 'adopted':
      adopt(state, event, stamp)
      return
    case 'opened':
      state.writers.set(event.writer, bornWriter(state, event, stamp))
      return
    case 'looked':
      look(state, event, stamp)
      return
    case 'narrowed':
      narrow(state, event, stamp)
      return
    case 'committed':
      commit(state, event, stamp)
      return
    case 'owned': {
      const commit = state.commits.get(event.lock)
      if (commit !== undefined) commit.author = { kind: 'writer', writer: event.writer }
      own(state, event.lock, event.writer)
      touch(state, event.writer, stamp)
      return
    }
    case 'answered':
      for (const object of event.objects) {
        const commit = state.commits.get(object)
        if (commit !== undefined) commit.isAnswered = true
      }
      return
    case 'deleted':
      remove(state, event, stamp)
      return
    case 'retracted':
      touchAuthor(state, event.author, stamp)
      return
    case 'refused': {
      const writer = touchAuthor(state, event.author, stamp)
      const isMaintenance = event.verb === 'deletion' && isMaintained(event.object)
      if (writer !== undefined && isMaintenance) writer.isBroken = true
      return
    }
    case 'passed': {
      state.passed.set(event.reason, (state.passed.get(event.reason) ?? 0) + 1)
      const writer = touchAuthor(state, event.author, stamp)
      const isMaintenance = event.verb === 'deletion' && isMaintained(event.object)
      if (writer !== undefined && isMaintenance) writer.isBroken = true
      return
    }
    case 'ended': {
      const writer = state.writers.get(event.writer)
      if (writer !== undefined) writer.ended = { cause: event.cause, ...stamp }
      return
    }
    case 'revived': {
      const writer = touch(state, event.writer, stamp)
      if (writer !== undefined) delete writer.ended
      return
    }
    case 'heard':
      touch(state, event.writer, stamp)
      return
    case 'released':
      state.pendingCommits.set(event.object, stamp.position)
      state.pendingDeletions.delete(event.object)
      noteCommit(state, event.object, {
        author: { kind: 'unknown', candidates: [] },
        position: stamp.position,
      })
      return
    case 'fenced':
      state.generation = event.generation
      state.runs.push({ generation: event.generation, last: stamp.position })
      return
    case 'outside':
      changeOutside(state, event, stamp)
      return
    case 'knocked':
    case 'discarded':
    case 'evicted':
    case 'sealed':
      return
  }
}

/** Deletions of these are maintenance. */
export function isMaintained(object: ObjectName): boolean {
  const type = typeOf(object)
  return type === 'index' || type === 'data'
}

function bornWriter(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'opened' }>,
  stamp: EventStamp,
): Writer {
  return {
    id: event.writer,
    client: event.client,
    ...(event.tag === undefined ? {} : { tag: event.tag }),
    ...(event.constants === undefined ? {} : { constants: event.constants }),
    bornAt: stamp.position,
    generation: state.generation,
    view: event.isBelated === true ? event.view : stamp.position,
    commitView: event.view,
    packView: event.packView ?? event.view,
    hasLooked: false,
    hasSurelyLooked: false,
    mayHaveListedPacks: false,
    mayHaveLookedAt: 0,
    mayHaveListedPacksAt: 0,
    hasSurelyListedPacks: false,
    hasLocked: false,
    hasPosted: false,
    mayHaveWritten: false,
    locks: new Set(),
    isBroken: false,
    lastRecorded: stamp.time,
    lastRecordedRan: stamp.ran,
  }
}

/** A lock that stands at adoption speaks for a run whose opening nobody saw; it has its view from before all records. */
function adopt(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'adopted' }>,
  stamp: EventStamp,
): void {
  state.isAdopted = true
  state.adoptedAt = stamp.time
  for (const index of event.indexes) state.indexes.add(index)
  for (const lock of event.locks) {
    const id = `w-${digestOf(lock)?.slice(0, 8) ?? ''}` as WriterId
    const client = { address: 'unknown (locked before adoption)' }
    const opened = { kind: 'opened', writer: id, client, view: stamp.position } as const
    const born = bornWriter(state, opened, stamp)
    const writer: Writer = { ...born, isFromBefore: true, hasLooked: true }
    state.writers.set(id, writer)
    state.locks.set(lock, { position: stamp.position, time: stamp.time })
    const author = { kind: 'writer', writer: id } as const
    const { position } = stamp
    state.commits.set(lock, { author, position, isAnswered: true, isStanding: true })
    own(state, lock, id)
  }
}

function changeOutside(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'outside' }>,
  { position, time }: EventStamp,
): void {
  const { vanished, appeared, generation } = event
  state.outside = { time, vanished: vanished.length, appeared: appeared.length }
  for (const object of vanished) {
    state.indexes.delete(object)
    state.pendingCommits.delete(object)
    if (typeOf(object) === 'data') state.packs.delete(digestOf(object) ?? '')
  }
  for (const index of appeared) state.indexes.add(index)
  state.indexPosition = position
  if (appeared.length > 0) state.lastCommits.set('', position)
  if (generation === undefined) return
  state.generation = generation
  state.runs.push({ generation, last: position, isOutside: true })
}

function look(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'looked' }>,
  stamp: EventStamp,
): void {
  const { writers, sure: isSure, sender } = event
  const hasListedPacks = event.listing === 'data' || event.listing === undefined
  for (const id of writers) {
    const writer = state.writers.get(id)
    if (writer === undefined) continue
    writer.hasLooked = true
    writer.mayHaveListedPacks ||= hasListedPacks
    if (!isSure && sender === undefined) {
      writer.mayHaveLookedAt = stamp.position
      if (hasListedPacks) writer.mayHaveListedPacksAt = stamp.position
    }
    if (!isSure) continue
    writer.hasSurelyLooked = true
    writer.hasSurelyListedPacks ||= event.listing === 'data'
    noteRecord(writer, stamp)
  }
  if (isSure || sender === undefined) return
  const record = recordOf(state, { kind: 'unknown', candidates: writers, sender })
  if (record === undefined) return
  record.lookedAt = stamp.position
  if (hasListedPacks) record.listedPacksAt = stamp.position
}

function commit(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'committed' }>,
  stamp: EventStamp,
): void {
  const { object, author, isRepeated } = event
  const { position } = stamp
  const isLock = typeOf(object) === 'locks'
  state.pendingCommits.set(object, position)
  state.pendingDeletions.delete(object)
  const writer = touchAuthor(state, author, stamp)
  if (!isLock) {
    noteCommit(state, object, { author, position, ...(isRepeated && { isRepeated }) })
    return
  }
  state.locks.set(object, { position, time: stamp.time })
  remember(state, object, { author, position, ...(isRepeated && { isRepeated }) })
  noteAct(state, author, 'hasLocked')
  if (author.kind === 'writer') own(state, object, author.writer)
  if (writer !== undefined && event.view !== undefined) takeView(state, writer, event, position)
}

/** The lock of a writer that has not surely looked: what only may have been its look was another's. */
function takeView(
  state: RepositoryState,
  writer: Writer,
  { view, packView }: { readonly view?: Position; readonly packView?: Position },
  position: Position,
): void {
  writer.view = position
  writer.commitView = view ?? position
  writer.packView = packView ?? view ?? position
  writer.generation = state.generation
  writer.hasLooked = writer.hasSurelyLooked
  writer.mayHaveListedPacks = writer.hasSurelyListedPacks
}

type NewCommit = Pick<Commit, 'author' | 'position' | 'isRepeated'>

function remember(state: RepositoryState, object: ObjectName, commit: NewCommit): void {
  state.commits.set(object, { ...commit, isAnswered: false, isStanding: true })
  recordOf(state, commit.author)?.objects.add(object)
}

function noteCommit(state: RepositoryState, object: ObjectName, commit: NewCommit): void {
  const { author, position } = commit
  const type = typeOf(object)
  if (type === 'data') state.packs.set(digestOf(object) ?? '', position)
  else remember(state, object, commit)
  if (type === 'index') {
    state.indexes.add(object)
    state.indexPosition = position
  }
  if (type === 'index' || type === 'snapshots') {
    state.lastCommits.set(
      author.kind === 'writer' ? author.writer : (author.sender ?? ''),
      position,
    )
  }
  if (type === 'keys' || type === 'config') return
  noteAct(state, author, 'hasPosted')
}

function noteAct(state: RepositoryState, author: Author, act: 'hasLocked' | 'hasPosted'): void {
  if (author.kind === 'writer') {
    const writer = state.writers.get(author.writer)
    if (writer !== undefined) writer[act] = true
    return
  }
  const record = recordOf(state, author)
  if (record !== undefined) {
    record[act] = true
    return
  }
  for (const id of author.candidates) {
    const writer = state.writers.get(id)
    if (writer !== undefined) writer.mayHaveWritten = true
  }
}

export function own(state: RepositoryState, object: ObjectName, id: WriterId): void {
  const position = state.commits.get(object)?.position
  const writer = state.writers.get(id)
  if (position === undefined || writer === undefined) return
  if (state.locks.has(object)) writer.locks.add(object)
  writer.hasLocked = true
  if (position >= (writer.newestLock?.position ?? 0)) {
    writer.newestLock = { object, position }
  }
}

/** The writer that surely posted this object, also when it is gone. */
export function posterOf(state: RepositoryState, object: ObjectName): WriterId | undefined {
  const author = state.commits.get(object)?.author
  return author?.kind === 'writer' ? author.writer : undefined
}

/** The writers that may have posted this object while no one surely did. */
export function possiblePosters(
  state: RepositoryState,
  object: ObjectName,
): readonly WriterId[] {
  const author = state.commits.get(object)?.author
  return author?.kind === 'unknown' ? author.candidates : []
}

function remove(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'deleted' }>,
  stamp: EventStamp,
): void {
  const { object, author } = event
  state.pendingDeletions.set(object, stamp.position)
  state.pendingCommits.delete(object)
  const writer = touchAuthor(state, author, stamp)
  const owner = state.locks.has(object) ? posterOf(state, object) : undefined
  if (owner !== undefined) state.writers.get(owner)?.locks.delete(object)
  state.locks.delete(object)
  if (state.indexes.delete(object)) state.indexPosition = stamp.position
  const commit = state.commits.get(object)
  if (commit !== undefined) commit.isStanding = false
  if (typeOf(object) === 'config') state.configDeletedBy = author
  if (typeOf(object) === 'data') state.packs.delete(digestOf(object) ?? '')
  const { generation } = event
  if (generation === undefined) return
  if (author.kind !== 'writer') {
    overtakeAll(state, generation, stamp.position)
    return
  }
  const run = state.runs.find((one) => one.by === author.writer)
  if (run === undefined)
    state.runs.push({ by: author.writer, generation, last: stamp.position })
  else run.last = stamp.position
  state.generation = generation > state.generation ? generation : state.generation
  if (writer === undefined) return
  const first = writer.maintenance?.first ?? stamp.position
  const since = writer.maintenance?.since ?? stamp.time
  writer.maintenance = { generation, first, last: stamp.position, since }
  writer.generation = generation
}

/** A deletion that was let through, and nobody knows whose: it overtakes every view, its own writer's too. */
function overtakeAll(state: RepositoryState, generation: Generation, position: Position): void {
  const run = state.runs.find((one) => one.isNobodys && one.generation === generation)
  if (run !== undefined) run.last = position
  else state.runs.push({ generation, last: position, isNobodys: true })
  state.generation = generation
}

/** The generation of this writer's deletions: its own run's, or the next one. */
export function maintenanceGeneration(state: RepositoryState, writer: Writer): Generation {
  return writer.maintenance?.generation ?? generationAfter(state.generation)
}

function touch(state: RepositoryState, id: WriterId, stamp: EventStamp): Writer | undefined {
  const writer = state.writers.get(id)
  if (writer !== undefined) noteRecord(writer, stamp)
  return writer
}

function touchAuthor(
  state: RepositoryState,
  author: Author,
  stamp: EventStamp,
): Writer | undefined {
  return author.kind === 'writer' ? touch(state, author.writer, stamp) : undefined
}
