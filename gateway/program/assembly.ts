/** Puts together the parts below the doors, for a gateway and for a command that works without one. */
import { join } from 'node:path'
import { Allowance } from '../../fencing/state/item.js'
import {
  BackendError,
  type JournalArchives,
  type JournalStore,
  type ObjectStore,
} from '../../fencing/ports.js'
import { localArchives } from '../../backends/local/archives.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import { withBoundedObjects } from '../../backends/bounded-objects.js'
import { withQuota, type Quota } from '../../backends/quota-store.js'
import { RecordSearch } from '../../backends/record-search/record-search.js'
import { Reserves } from '../../backends/reserve.js'
import type { Failpoints } from './failpoints.js'
import { Fences } from '../gate/fences.js'
import { observed, type Observer } from './observed-journal.js'
import { searchIn, stateFolderOf } from './state/places.js'
import { RunningTime } from './state/running-time.js'
import { openState, type State } from './state/state.js'
import { systemClock, systemRandom } from './surroundings.js'

export interface AssemblySettings {
  readonly lockTimeout: number
  readonly writerMaxAge: number
  readonly fencing: 'enforce' | 'observe'
  readonly maxSize: number
  readonly minFree: number
  readonly stateReserve: number
  readonly quarantineMaxSize: number
  readonly quarantineMaxAge: number
  /** The state folder, where it is not in the folder of the repositories. */
  readonly state: string | undefined
  readonly groupAccessibleRepos: boolean
}

export interface AssemblyOptions {
  /** The real path of the folder of the repositories. */
  readonly folder: string
  /** What this process runs, as whoever is refused is told. */
  readonly command: string
  readonly settings: AssemblySettings
  readonly observe: Observer
  /** Hears how long each batch of records took to become durable. */
  readonly appended?: (seconds: number) => void
  readonly onFault: (error: unknown, what: string) => void
}

export interface Assembly {
  readonly folder: string
  readonly state: State
  readonly store: ObjectStore
  /** What is given up where a disk is full; to be restored now and then. */
  readonly reserves: Reserves
  readonly journal: JournalStore
  readonly archives: JournalArchives
  /** Finds records of all journals. */
  readonly search: RecordSearch
  readonly fences: Fences
  /** What the quarantine holds. */
  readonly allowance: Allowance
  readonly runningTime: RunningTime
  /** Set where the bytes of all repositories are bounded; they are still to be counted. */
  readonly quota?: Quota
  /** Set where the journal cannot be used: nothing is committed, and its message says how to recover. */
  readonly fault?: BackendError
  /** Stores what was deferred and lets go of the state. */
  readonly close: () => Promise<void>
}

/** Throws a BackendError where the state cannot be had; a damaged journal is no such case. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const { folder, command, settings, observe, appended, onFault } = options
  const stateFolder = stateFolderOf(folder, settings.state)
  const state = await openState({ folder: stateFolder, root: folder, command })
  const { minFree: floorBytes, stateReserve } = settings
  const reserves = new Reserves({ bytesMax: stateReserve, floorBytes })
  try {
    if (!state.isReadOnly) await reserves.add(state.folder)
    const failing = command === 'serve' ? await failpoints() : undefined
    const local = await openLocalStore({
      root: folder,
      stateFolder: state.folder,
      isGroupAccessible: settings.groupAccessibleRepos,
      reserves,
      floorBytes,
      ...(failing === undefined ? {} : { disk: failing.disk }),
    })
    const whole = withBoundedObjects(failing?.store(local) ?? local)
    const { maxSize: bytesMax } = settings
    const quota = bytesMax === 0 ? undefined : withQuota({ store: whole, bytesMax })
    const store = quota?.store ?? whole
    const archives = localArchives(join(state.folder, 'archive'))
    const { journal: opened, fault } = await state.openJournal()
    const journal = failing?.journal(opened, state.journalFile) ?? opened
    const search = new RecordSearch({
      file: state.isReadOnly ? ':memory:' : searchIn(state.folder),
      journal,
    })
    const observeAll: Observer = (repository, recorded) => {
      search.noteGrowth(repository)
      observe(repository, recorded)
    }
    const runningTime = await RunningTime.open(state.folder, systemClock.monotonic)
    const allowance = new Allowance(settings.quarantineMaxSize)
    const fences = new Fences({
      store,
      journal: observed(journal, observeAll, appended),
      clock: { ...systemClock, running: () => runningTime.now() },
      random: systemRandom,
      settings: {
        lockTimeoutMs: settings.lockTimeout,
        writerAgeMaxMs: settings.writerMaxAge,
        isObserving: settings.fencing === 'observe',
      },
      allowance,
      itemAgeMaxMs: settings.quarantineMaxAge,
      archives,
      onFault,
    })
    const close = async (): Promise<void> => {
      // Each step, whatever became of the one before. A full or failing disk at the end is what a loss of power would have
      // been: the next start carries on from what is durable.
      const steps = {
        'recording what was deferred': () => fences.flush(),
        'closing the search': () => search.close(),
        'closing the journal': () => journal.close(),
        'keeping the running time': () => runningTime.keep(),
        'letting go of the state': () => state.close(),
      }
      for (const [what, step] of Object.entries(steps)) {
        await step().catch((error: unknown) => {
          if (!(error instanceof BackendError)) throw error
          onFault(error, what)
        })
      }
    }
    const parts = {
      folder,
      state,
      store,
      reserves,
      journal,
      archives,
      search,
      fences,
      allowance,
      runningTime,
      close,
    }
    return {
      ...parts,
      ...(fault === undefined ? {} : { fault }),
      ...(quota === undefined ? {} : { quota }),
    }
  } catch (error) {
    await state.close()
    throw error
  }
}

/** For tests of crashes and faults; elsewhere not even loaded. */
async function failpoints(): Promise<Failpoints | undefined> {
  const text = process.env.LOCKKEEPER_FAILPOINT
  if (text === undefined) return undefined
  const { failpointsOf } = await import('./failpoints.js')
  return failpointsOf(text)
}
