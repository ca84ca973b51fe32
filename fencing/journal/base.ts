/**
 * Writes and reads a base: the state that a journal's sealed records were folded into, with the archives that they lie in. Its hash
 * stands in the chain (`sealed`), so it is as hard to tamper with as the records were.
 */
import { createHash } from 'node:crypto'
import type { Archive } from './archive.js'
import type { Allowance, Item } from '../state/item.js'
import { BackendError } from '../ports.js'
import { RepositoryState } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'
import { fromFormat1 } from './base-format-1.js'

const format = 2

export interface Base {
  /** All that were sealed up to here, oldest first. */
  readonly archives: readonly Archive[]
  readonly state: RepositoryState
}

export function baseHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function writeBase({ archives, state }: Base): string {
  return JSON.stringify({ format, archives, state: plainState(state) })
}

/** The chain proves that a gateway wrote it; a format that this one does not know was written by a newer one. */
export function readBase(text: string, allowance: Allowance): Base {
  const { archives, state } = parsed(text)
  return { archives, state: restored(state, allowance) }
}

export function archivesOf(text: string): readonly Archive[] {
  return parsed(text).archives
}

export interface BaseText {
  readonly format: number
  readonly archives: readonly Archive[]
  readonly state: PlainState
}

function parsed(text: string): BaseText {
  const base = JSON.parse(text) as BaseText
  if (base.format === format) return base
  if (base.format === 1) return fromFormat1(base as never)
  throw new BackendError(
    'newer-state',
    'the base of a journal was written by a newer Lockkeeper',
  )
}

export type PlainState = ReturnType<typeof plainState>
/** What a fold remembers; whoever adds to it is told here by the compiler. */
type Remembered = Exclude<
  keyof RepositoryState,
  'allowance' | 'commitView' | 'packView' | 'living' | 'apply' | 'isPending' | 'settle'
>

export function plainState(state: RepositoryState) {
  return {
    generation: state.generation,
    position: state.position,
    ran: state.ran,
    isAdopted: state.isAdopted,
    adoptedAt: state.adoptedAt,
    outside: state.outside,
    indexPosition: state.indexPosition,
    runs: state.runs,
    writers: [...state.writers.values()].map((one) => ({ ...one, locks: [...one.locks] })),
    locks: [...state.locks],
    commits: [...state.commits],
    senders: [...state.senders].map(([id, one]) => {
      return [id, { ...one, objects: [...one.objects], items: [...one.items] }] as const
    }),
    indexes: [...state.indexes],
    lastCommits: [...state.lastCommits],
    configDeletedBy: state.configDeletedBy,
    packs: [...state.packs],
    items: [...state.items.values()],
    openItems: [...state.openItems],
    pendingCommits: [...state.pendingCommits],
    pendingDeletions: [...state.pendingDeletions],
    passed: [...state.passed],
  } satisfies Record<Remembered, unknown>
}

function restored(plain: PlainState, allowance: Allowance): RepositoryState {
  const state = new RepositoryState(allowance)
  const { generation, position, ran, isAdopted, adoptedAt, outside, indexPosition, runs } =
    plain
  const { configDeletedBy } = plain
  const rest = { isAdopted, adoptedAt, outside, indexPosition, runs, configDeletedBy }
  Object.assign(state, { generation, position, ran, ...rest })
  for (const one of plain.writers) {
    const writer: Writer = { ...one, locks: new Set(one.locks) }
    state.writers.set(one.id, writer)
  }
  for (const index of plain.indexes) state.indexes.add(index)
  for (const item of plain.items) restoreItem(state, item)
  fill(state.locks, plain.locks)
  fill(state.commits, plain.commits)
  fill(state.lastCommits, plain.lastCommits)
  for (const [id, one] of plain.senders) {
    state.senders.set(id, { ...one, objects: new Set(one.objects), items: new Set(one.items) })
  }
  fill(state.packs, plain.packs)
  fill(state.openItems, plain.openItems)
  fill(state.pendingCommits, plain.pendingCommits)
  fill(state.pendingDeletions, plain.pendingDeletions)
  fill(state.passed, plain.passed)
  return state
}

function restoreItem(state: RepositoryState, item: Item): void {
  state.items.set(item.id, item)
  if (item.isKept) state.allowance.take(item.client, item.size)
}

function fill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  for (const [key, value] of entries) map.set(key, value)
}
