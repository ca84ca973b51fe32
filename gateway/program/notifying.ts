/** Wires notification to what it tells of; nothing of it is loaded where nobody is to be told. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { GatewaySettings } from '../../config/gateway-settings.js'
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'
import type { ConditionSources } from '../notify/conditions.js'
import type { Notifier } from '../notify/notifier.js'
import type { JournalSource } from '../notify/target.js'
import { viewClient } from '../operate/admin/client-habits.js'
import type { Recordings } from '../operate/admin/following.js'
import { readOne } from '../operate/admin/reading.js'
import type { Assembly } from './assembly.js'
import { notifyIn } from './state/places.js'
import { systemClock, systemRandom } from './surroundings.js'

export interface Notifying {
  readonly settings: Pick<GatewaySettings, 'notify' | 'quarantineMaxSize'>
  readonly assembly: Assembly
  readonly recordings: Recordings
  readonly logger: Logger
}

/** Undefined where nobody is to be told. */
export async function notifierFor(notifying: Notifying): Promise<Notifier | undefined> {
  const { settings, assembly, recordings, logger } = notifying
  const { notify, quarantineMaxSize: bytesMax } = settings
  if (notify === undefined) return undefined
  const { Notifier } = await import('../notify/notifier.js')
  const { folder, state, allowance, search } = assembly
  const source = sourceOf(assembly)
  const notifier = new Notifier({
    ...{ settings: notify, logger, clock: systemClock, random: systemRandom, source },
    fileOf: (key) => join(notifyIn(state.folder), `${key}.json`),
    conditions: {
      places: [...new Set([folder, state.folder])],
      quarantine: () => ({ bytes: allowance.bytes, bytesMax }),
      clients: async () =>
        (await search.snapshots()).map((one) => viewClient(one, systemClock.now())),
      damages: () => damagesOf(assembly),
    },
  })
  recordings.subscribe(notifier.observe)
  return notifier
}

function sourceOf({ journal, archives, fences }: Assembly): JournalSource {
  return {
    repositories: () => journal.repositories(),
    head: async (repository) => (await journal.head(repository)).position,
    after: (repository, position) => {
      const span = { position: position + 1, time: Number.NEGATIVE_INFINITY }
      return readOne({ journal, archives }, repository, span)
    },
    clientOf: (repository, author) => {
      const writers = fences.lastKnown(repository)?.state.writers
      const ids = author.kind === 'writer' ? [author.writer] : author.candidates
      const names = ids.map((id) => {
        const client = writers?.get(id)?.client
        return client?.user ?? client?.address
      })
      const [name, ...others] = new Set(names)
      return others.length === 0 ? name : undefined
    },
  }
}

type Damage = Awaited<ReturnType<ConditionSources['damages']>>[number]

/** What passes by itself, as a full disk does, is no damage. */
const lasting: ReadonlySet<BackendErrorCode> = new Set(['corrupt', 'newer-state'])

async function damagesOf({ fault, fences, journal }: Assembly): Promise<Damage[]> {
  if (fault !== undefined) return [{ repository: null, why: fault.message }]
  const damages: Damage[] = []
  for (const repository of await journal.repositories()) {
    const known = fences.lastKnown(repository)
    const error =
      known === undefined
        ? await fences.of(repository).then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
        : known.failure
    if (!(error instanceof BackendError) || !lasting.has(error.code)) continue
    damages.push({ repository, why: error.message })
  }
  return damages
}
