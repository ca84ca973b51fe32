/** Knows a repository as a function of its journal: a fold, event by event, and nothing that the journal does not say. */
import {
  firstGeneration,
  generationAfter,
  type Author,
  type Generation,
  type ItemId,
  type JournalEvent,
  type Position,
  type WriterId,
} from '../journal/event.js'
import { forget } from './forgetting.js'
import { applyItemEvent } from './item-fold.js'
import { type Item, Allowance } from './item.js'
import type { LetThroughReason } from '../rules/refusal.js'
import { digestOf, typeOf, type ObjectName } from '../object.js'
import type { Overtaking, Writer } from './writer.js'

const sweepEveryRecords = 1024

export interface LockState {
  readonly position: Position
  readonly time: number
  owner?: WriterId
  /** Those that may own it, while nobody surely does. */
  readonly candidates: readonly WriterId[]
  isAnswered: boolean
}

export interface CommitState {
  readonly author: Author
  readonly position: Position
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
}

export class RepositoryState {
  generation: Generation = firstGeneration
  position: Position = 0
  isAdopted = false
  /** When the repository came under this gateway, in milliseconds since the epoch. */
  adoptedAt = 0
  /** How the folder was last found used past the gateway. */
  outside: OutsideUse | null = null
  readonly writers = new Map<WriterId, Writer>()
  readonly locks = new Map<ObjectName, LockState>()
  /** Who posted each lock, gone ones included, while its writer is remembered. */
  readonly lockOwners = new Map<ObjectName, WriterId>()
  /** Likewise, who surely posted each index and snapshot. */
  readonly posters = new Map<ObjectName, WriterId>()
  /** Names of all indexes that stand in the repository by the journal. */
  readonly indexes = new Set<ObjectName>()
  /** The last record that changed the set of indexes. */
  indexPosition: Position = 0
  /** Maintenance runs and fences that may overtake a living view. */
  runs: Overtaking[] = []
  /** The last commit of an index or a snapshot by each sure author, and by unknown ones (key undefined). */
  readonly lastCommits = new Map<WriterId | undefined, Position>()
  /** Uploads (packs and locks aside) whose answer has not surely arrived. */
  readonly unanswered = new Map<ObjectName, CommitState>()
  /** Indexes and snapshots whose answer has surely arrived, while their author is remembered. */
  readonly answered = new Map<ObjectName, CommitState>()
  /** Indexes and snapshots whose author is unknown, with those that it may be; also when they have been deleted. */
  readonly unknownCommits = new Map<ObjectName, readonly WriterId[]>()
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

  /** The position before the oldest commit that is recorded and not yet published. */
  get commitView(): Position {
    let view = this.position
    for (const position of this.pendingCommits.values()) view = Math.min(view, position - 1)
    return view
  }

  living(): Writer[] {
    return [...this.writers.values()].filter((writer) => writer.ended === undefined)
  }

  apply(event: JournalEvent, stamp: EventStamp): void {
    this.position = stamp.position
    applyEvent(this, event, stamp)
    applyItemEvent(this, event, stamp)
    if (stamp.position % sweepEveryRecords === 0) forget(this, stamp.time)
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
      for (const id of event.writers) look(state, id, event.sure, stamp)
      return
    case 'committed':
      commit(state, event, stamp)
      return
    case 'owned':
      own(state, event.lock, event.writer)
      touch(state, event.writer, stamp)
      return
    case 'answered':
      for (const object of event.objects) {
        const commit = state.unanswered.get(object)
        state.unanswered.delete(object)
        const type = typeOf(object)
        const isNaming = type === 'index' || type === 'snapshots'
        if (commit !== undefined && isNaming) state.answered.set(object, commit)
        const lock = state.locks.get(object)
        if (lock !== undefined) lock.isAnswered = true
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
    bornAt: stamp.position,
    generation: state.generation,
    view: stamp.position,
    commitView: event.view,
    hasLooked: false,
    hasSurelyLooked: false,
    hasLocked: false,
    hasPosted: false,
    locks: new Set(),
    isBroken: false,
    lastRecorded: stamp.time,
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
    state.locks.set(lock, { ...stamp, candidates: [], isAnswered: true })
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
  if (appeared.length > 0) state.lastCommits.set(undefined, position)
  if (generation === undefined) return
  state.generation = generation
  state.runs.push({ generation, last: position, isOutside: true })
}

function look(state: RepositoryState, id: WriterId, isSure: boolean, stamp: EventStamp): void {
  const writer = state.writers.get(id)
  if (writer === undefined) return
  writer.hasLooked = true
  if (!isSure) return
  writer.hasSurelyLooked = true
  writer.lastRecorded = stamp.time
}

function commit(
  state: RepositoryState,
  event: Extract<JournalEvent, { kind: 'committed' }>,
  stamp: EventStamp,
): void {
  const { object, author, isRepeated } = event
  const { position } = stamp
  state.pendingCommits.set(object, position)
  state.pendingDeletions.delete(object)
  const writer = touchAuthor(state, author, stamp)
  if (typeOf(object) === 'locks') {
    const candidates = author.kind === 'unknown' ? author.candidates : []
    state.locks.set(object, { ...stamp, candidates, isAnswered: false })
    if (author.kind === 'writer') own(state, object, author.writer)
    if (writer !== undefined && event.view !== undefined) {
      writer.view = position
      writer.commitView = event.view
      writer.generation = state.generation
    }
    return
  }
  noteCommit(state, object, { author, position, ...(isRepeated && { isRepeated }) })
}

function noteCommit(state: RepositoryState, object: ObjectName, commit: CommitState): void {
  const { author, position } = commit
  const type = typeOf(object)
  if (type === 'data') state.packs.set(digestOf(object) ?? '', position)
  else if (author.kind === 'writer') state.unanswered.set(object, commit)
  if (type === 'index') {
    state.indexes.add(object)
    state.indexPosition = position
  }
  if (type === 'index' || type === 'snapshots') {
    state.lastCommits.set(author.kind === 'writer' ? author.writer : undefined, position)
    if (author.kind === 'unknown') state.unknownCommits.set(object, author.candidates)
    else state.unknownCommits.delete(object)
    if (author.kind === 'writer') state.posters.set(object, author.writer)
  }
  if (author.kind !== 'writer' || type === 'keys' || type === 'config') return
  const writer = state.writers.get(author.writer)
  if (writer !== undefined) writer.hasPosted = true
}

function own(state: RepositoryState, object: ObjectName, id: WriterId): void {
  const lock = state.locks.get(object)
  const writer = state.writers.get(id)
  if (lock === undefined || writer === undefined) return
  lock.owner = id
  state.lockOwners.set(object, id)
  writer.locks.add(object)
  writer.hasLocked = true
  if (lock.position >= (writer.newestLock?.position ?? 0)) {
    writer.newestLock = { object, position: lock.position }
  }
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
  const owner = state.locks.get(object)?.owner
  if (owner !== undefined) state.writers.get(owner)?.locks.delete(object)
  state.locks.delete(object)
  if (state.indexes.delete(object)) state.indexPosition = stamp.position
  state.unanswered.delete(object)
  state.answered.delete(object)
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
  if (writer !== undefined) writer.lastRecorded = stamp.time
  return writer
}

function touchAuthor(
  state: RepositoryState,
  author: Author,
  stamp: EventStamp,
): Writer | undefined {
  return author.kind === 'writer' ? touch(state, author.writer, stamp) : undefined
}
