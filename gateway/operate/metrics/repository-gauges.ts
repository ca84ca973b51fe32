/** Says to a monitor how each repository stands, at the moment when it asks. */
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import { viewRepository } from '../admin/viewing.js'
import { writerStates } from '../admin/views.js'
import type { LastSnapshots } from './last-snapshots.js'
import { labelText, SeriesText } from './series.js'

const repositoriesMax = 2000

export interface RepositorySources {
  /** Those whose journal is loaded. */
  readonly fences: () => readonly RepositoryFence[]
  readonly lastSnapshots: LastSnapshots
}

const gauge = (name: string, help: string): SeriesText => {
  return new SeriesText({ name: `lockkeeper_${name}`, help, type: 'gauge' })
}

function gaugesOfRepository() {
  return {
    generation: gauge('generation', 'How often a maintenance raised it'),
    locks: gauge('locks', 'Locks that stand'),
    items: gauge('quarantine_items', 'Refused writes that wait for a decision'),
    bytes: gauge('quarantine_bytes', 'Bytes of refused writes that are kept'),
    maintenance: gauge('maintenance_running', '1 while a living writer maintains'),
    position: gauge('journal_position', 'Records in the journal since adoption'),
    failed: gauge('repository_fault', '1 where nothing can be committed'),
    writers: gauge('writers', 'Writers that have not ended, by state'),
  } as const
}

type Gauges = ReturnType<typeof gaugesOfRepository>

export function repositoryGauges({ fences, lastSnapshots }: RepositorySources): string {
  const gauges = gaugesOfRepository()
  for (const fence of fences().slice(0, repositoriesMax)) add(fence, gauges)
  const last = gauge(
    'last_snapshot_timestamp_seconds',
    'When the last snapshot of a client was committed; a client is its user, else its address',
  )
  for (const { repository, client, time } of lastSnapshots.all()) {
    const labels = [labelText('repository', repository), labelText('client', client)]
    last.add(labels.join(','), time / 1000)
  }
  return [...Object.values(gauges), last].map(({ text }) => text).join('')
}

function add(fence: RepositoryFence, gauges: Gauges): void {
  const view = viewRepository(fence)
  const label = labelText('repository', fence.repository)
  gauges.generation.add(label, view.generation)
  gauges.locks.add(label, view.locks)
  gauges.items.add(label, view.quarantined.count)
  gauges.bytes.add(label, view.quarantined.bytes)
  gauges.maintenance.add(label, view.maintenance === null ? 0 : 1)
  gauges.position.add(label, fence.head.position)
  gauges.failed.add(label, fence.failure === undefined ? 0 : 1)
  for (const state of writerStates) {
    const count = view.writers.filter((writer) => writer.state === state).length
    gauges.writers.add(`${label},${labelText('state', state)}`, count)
  }
}
