/** Puts the state of a repository into an operator's words. */
import { hearingOf, isSilent, type Hearing } from '../../../fencing/evidence/hearing.js'
import { describeClient, type Author, type Run } from '../../../fencing/journal/event.js'
import { isOpen, type Item } from '../../../fencing/state/item.js'
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import type { Context } from '../../../fencing/rules/context.js'
import { overtakenBy, type Writer } from '../../../fencing/state/writer.js'
import type {
  ItemView,
  LockView,
  MaintenanceView,
  RepositoryView,
  WriterState,
  WriterView,
} from './views.js'

export function viewRepository(
  fence: RepositoryFence,
): Omit<RepositoryView, 'plainFiles' | 'hasConfig'> {
  const context = fence.context()
  const { state } = context
  const living = fence.livingWriters()
  const kept = [...state.items.values()].filter((item) => item.state === 'quarantined')
  return {
    name: fence.repository,
    generation: state.generation,
    writers: living.map((writer) => viewWriter(context, writer)),
    locks: state.locks.size,
    quarantined: {
      count: kept.length,
      bytes: kept.reduce((sum, item) => sum + (item.isKept ? item.size : 0), 0),
    },
    maintenance: newestMaintenance(living),
    adopted: state.isAdopted ? new Date(state.adoptedAt).toISOString() : null,
    outside: state.outside && {
      ...state.outside,
      time: new Date(state.outside.time).toISOString(),
    },
    fencing: fence.isObserving ? 'observe' : 'enforce',
    passed: Object.fromEntries(state.passed),
    fault: null,
  }
}

export function viewWriter(context: Context, writer: Writer): WriterView {
  const hearing = hearingOf(context, writer.id)
  const { time = writer.lastRecorded, from } = hearing
  return {
    id: writer.id,
    client: describeClient(writer.client),
    user: writer.client.user ?? null,
    address: writer.client.address,
    tag: writer.tag ?? null,
    generation: writer.generation,
    state: stateOf(context, writer, hearing),
    locks: writer.locks.size,
    lastSeen: new Date(Math.max(time, writer.lastRecorded)).toISOString(),
    connection: from === undefined ? null : { from, time: new Date(time).toISOString() },
    silent: isSilent(hearing),
  }
}

export function viewItem(repository: string, item: Item): ItemView {
  const { author } = item
  return {
    id: item.id,
    repository,
    object: item.object,
    client: describeClient(item.client),
    writer: author.kind === 'writer' ? author.writer : null,
    candidates: candidatesOf(author),
    reason: item.reason,
    generation: item.generation,
    currentGeneration: item.currentGeneration,
    run: item.run === undefined ? null : viewRun(item.run),
    size: item.size,
    kept: item.isKept && isOpen(item),
    tries: item.tries,
    time: new Date(item.time).toISOString(),
    lastTry: new Date(item.lastTry).toISOString(),
    position: item.position,
    state: item.state,
  }
}

export function viewLocks({ state }: RepositoryFence): LockView[] {
  return [...state.locks].map(([object, { time }]) => {
    const author = state.commits.get(object)?.author
    return {
      object,
      time: new Date(time).toISOString(),
      writer: author?.kind === 'writer' ? author.writer : null,
      candidates: candidatesOf(author),
    }
  })
}

function candidatesOf(author: Author | undefined): string[] {
  if (author === undefined) return []
  return author.kind === 'writer' ? [author.writer] : [...author.candidates]
}

export function viewMaintenances({ state }: RepositoryFence): MaintenanceView[] {
  return state.runs.map(({ by, generation, last, isOutside }) => {
    const kind = by !== undefined ? 'maintenance' : isOutside === true ? 'outside' : 'by hand'
    return { generation, writer: by ?? null, last, kind }
  })
}

function viewRun({ by, generation }: Run): NonNullable<ItemView['run']> {
  return { by: by ?? null, generation }
}

function stateOf(context: Context, writer: Writer, hearing: Hearing): WriterState {
  if (hearing.isGone && hasWrittenNothing(writer)) return 'gone'
  const isStale = overtakenBy(writer, context.state.runs) !== undefined
  if (isStale || writer.isBroken) {
    if (hearing.isGone && wasTold(context, writer)) return 'gone'
    return isStale ? 'stale' : 'broken'
  }
  return isSilent(hearing) ? 'sleeper' : 'current'
}

/** As `unlock` and monitors do: there is nothing to tell it. */
function hasWrittenNothing({ hasLocked, hasPosted, mayHaveWritten }: Writer): boolean {
  return !hasLocked && !hasPosted && !mayHaveWritten
}

/** A refused deletion breaks its writer; a refused upload is an item. */
function wasTold({ state }: Context, { id, isBroken }: Writer): boolean {
  if (isBroken) return true
  for (const { author } of state.items.values()) {
    if (author.kind === 'writer' && author.writer === id) return true
  }
  return false
}

function newestMaintenance(writers: readonly Writer[]): RepositoryView['maintenance'] {
  let newest: RepositoryView['maintenance'] = null
  for (const { id, maintenance } of writers) {
    if (maintenance === undefined) continue
    const { generation, since } = maintenance
    if (newest !== null && newest.generation > generation) continue
    newest = { writer: id, generation, since: new Date(since).toISOString() }
  }
  return newest
}
