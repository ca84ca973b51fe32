/** Says to a monitor how each repository stands, at the moment when it asks. */
import { Gauge, type Registry } from 'prom-client'
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import { viewRepository } from '../admin/viewing.js'
import { writerStates } from '../admin/views.js'
import type { LastSnapshots } from './last-snapshots.js'

const repositoriesMax = 2000

export interface RepositorySources {
  /** Those whose journal is loaded. */
  readonly fences: () => readonly RepositoryFence[]
  readonly lastSnapshots: LastSnapshots
}

type Gauges = ReturnType<typeof gaugesIn>

function gaugesIn(registry: Registry) {
  const of = (name: string, help: string): Gauge<'repository'> => {
    return new Gauge({ name, help, labelNames: ['repository'], registers: [registry] })
  }
  return {
    generation: of('lockkeeper_generation', 'How often a maintenance raised it'),
    locks: of('lockkeeper_locks', 'Locks that stand'),
    items: of('lockkeeper_quarantine_items', 'Refused writes that wait for a decision'),
    bytes: of('lockkeeper_quarantine_bytes', 'Bytes of refused writes that are kept'),
    maintenance: of('lockkeeper_maintenance_running', '1 while a living writer maintains'),
    position: of('lockkeeper_journal_position', 'Records in the journal since adoption'),
    failed: of('lockkeeper_repository_fault', '1 where nothing can be committed'),
  } as const
}

export function addRepositoryGauges(
  registry: Registry,
  { fences, lastSnapshots }: RepositorySources,
): void {
  const registers = [registry]
  const gauges = gaugesIn(registry)
  const writers = new Gauge({
    name: 'lockkeeper_writers',
    help: 'Writers that have not ended, by state',
    labelNames: ['repository', 'state'],
    registers,
  })
  new Gauge({
    name: 'lockkeeper_last_snapshot_timestamp_seconds',
    help: 'When the last snapshot of a client was committed; a client is its user, else its address',
    labelNames: ['repository', 'client'],
    registers,
    collect() {
      this.reset()
      for (const { repository, client, time } of lastSnapshots.all()) {
        this.set({ repository, client }, time / 1000)
      }
    },
  })
  // The first that is asked fills all of them, so that a repository is looked at once a scrape.
  Object.assign(gauges.generation, {
    collect: () => {
      for (const one of [...Object.values(gauges), writers]) one.reset()
      for (const fence of fences().slice(0, repositoriesMax)) fill(fence, gauges, writers)
    },
  })
}

function fill(
  fence: RepositoryFence,
  gauges: Gauges,
  writers: Gauge<'repository' | 'state'>,
): void {
  const { repository } = fence
  const view = viewRepository(fence)
  const of = { repository }
  gauges.generation.set(of, view.generation)
  gauges.locks.set(of, view.locks)
  gauges.items.set(of, view.quarantined.count)
  gauges.bytes.set(of, view.quarantined.bytes)
  gauges.maintenance.set(of, view.maintenance === null ? 0 : 1)
  gauges.position.set(of, fence.head.position)
  gauges.failed.set(of, fence.failure === undefined ? 0 : 1)
  for (const state of writerStates) {
    const count = view.writers.filter((writer) => writer.state === state).length
    writers.set({ repository, state }, count)
  }
}
