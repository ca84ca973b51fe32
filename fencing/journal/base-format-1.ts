/** Reads a base that Lockkeeper 0.1 wrote: it kept authors in five maps, and the possible owners of a lock in the lock. */
import type { BaseText, PlainState } from './base.js'
import type { Author, Position, WriterId } from './event.js'
import type { ObjectName } from '../object.js'
import type { Commit } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'

interface Commit1 {
  readonly author: Author
  readonly position: Position
  readonly isRepeated?: true
}

interface Lock1 {
  readonly position: Position
  readonly time: number
  readonly owner?: WriterId
  readonly candidates: readonly WriterId[]
  readonly isAnswered: boolean
}

type Entries<V> = readonly (readonly [ObjectName, V])[]

interface State1 extends Omit<PlainState, 'commits' | 'senders' | 'lastCommits' | 'locks'> {
  readonly locks: Entries<Lock1>
  readonly lockOwners: Entries<WriterId>
  readonly posters: Entries<WriterId>
  readonly unanswered: Entries<Commit1>
  readonly answered: Entries<Commit1>
  readonly unknownCommits: Entries<readonly WriterId[]>
  readonly lastCommits: readonly (readonly [WriterId | null, Position])[]
}

interface Base1 extends Omit<BaseText, 'state'> {
  readonly state: State1
}

export function fromFormat1(base: Base1): BaseText {
  const { format, archives, state } = base
  const { locks } = state
  return {
    format,
    archives,
    state: {
      ...state,
      writers: state.writers.map(writerFrom1),
      locks: locks.map(([name, { position, time }]) => [name, { position, time }]),
      commits: [...commitsFrom1(state)],
      lastCommits: state.lastCommits.map(([author, at]) => [author ?? ('' as const), at]),
      senders: [],
    },
  }
}

/** A listing of packs was not recorded: whoever has looked may have listed them. */
function writerFrom1(writer: PlainState['writers'][number]): PlainState['writers'][number] {
  const { hasLooked, commitView, view } = writer as Writer & { locks: never }
  const sinceView = hasLooked ? view + 1 : 0
  return {
    ...writer,
    packView: commitView,
    mayHaveListedPacks: hasLooked,
    mayHaveLookedAt: sinceView,
    mayHaveListedPacksAt: sinceView,
    hasSurelyListedPacks: false,
    mayHaveWritten: false,
  }
}

function commitsFrom1(state: State1): Map<ObjectName, Commit> {
  const commits = new Map<ObjectName, Commit>()
  const gone = { position: 0, isAnswered: true, isStanding: false }
  for (const [object, writer] of [...state.lockOwners, ...state.posters]) {
    commits.set(object, { ...gone, author: { kind: 'writer', writer } })
  }
  for (const [object, candidates] of state.unknownCommits) {
    commits.set(object, { ...gone, author: { kind: 'unknown', candidates } })
  }
  for (const [object, one] of state.answered) {
    commits.set(object, { ...one, isAnswered: true, isStanding: true })
  }
  for (const [object, one] of state.unanswered) {
    commits.set(object, { ...one, isAnswered: false, isStanding: true })
  }
  for (const [object, { owner, candidates, position, isAnswered }] of state.locks) {
    const author: Author =
      owner === undefined ? { kind: 'unknown', candidates } : { kind: 'writer', writer: owner }
    commits.set(object, { author, position, isAnswered, isStanding: true })
  }
  return commits
}
