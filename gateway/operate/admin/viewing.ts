/** Knows how the state of a repository is put into an operator's words. */
import { describeClient, type Run } from '../../../fencing/journal/event.js'
import { isOpen, type Item } from '../../../fencing/state/item.js'
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import type { Context } from '../../../fencing/rules/context.js'
import { overtakenBy, type Writer } from '../../../fencing/state/writer.js'
import type { ItemView, RepositoryView, WriterState, WriterView } from './views.js'

/** A writer that was not heard of for so long may be asleep, or dead. */
const silenceMs = 10 * 60_000

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
  return {
    id: writer.id,
    client: describeClient(writer.client),
    tag: writer.tag ?? null,
    generation: writer.generation,
    state: stateOf(context, writer),
    locks: writer.locks.size,
    lastSeen: new Date(lastSeen(context, writer)).toISOString(),
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
    candidates: author.kind === 'writer' ? [author.writer] : [...author.candidates],
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

function viewRun({ by, generation }: Run): NonNullable<ItemView['run']> {
  return { by: by ?? null, generation }
}

function stateOf(context: Context, writer: Writer): WriterState {
  if (overtakenBy(writer, context.state.runs) !== undefined) return 'stale'
  if (writer.isBroken) return 'broken'
  return isSilent(context, writer) ? 'sleeper' : 'current'
}

/** Only what this run of the gateway has itself not heard for so long: after a restart everybody lives at first. */
function isSilent({ presence, monotonic }: Context, { id }: Writer): boolean {
  const since = Math.max(presence.of(id).lastHeardAt, presence.startedAt)
  return monotonic - since > silenceMs
}

/** By the gateway's clock: heard of by this run of the gateway, or recorded by an earlier one. */
function lastSeen(context: Context, writer: Writer): number {
  const { lastHeardAt } = context.presence.of(writer.id)
  const heard = context.now - Math.round(context.monotonic - lastHeardAt)
  return Number.isFinite(heard) ? Math.max(heard, writer.lastRecorded) : writer.lastRecorded
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
