/** Puts the browser of snapshots together: over the gate, for the repositories that the gateway has passwords of. */
import type { Logger } from 'pino'
import type { RepositorySettings } from '../../config/repository-settings.js'
import type { Clock } from '../../fencing/ports.js'
import { BrowsedRepositories } from '../browse/browsed-repositories.js'
import { gateFiles } from '../browse/gate-files.js'
import { isBrowseUrl } from '../browse/web/address.js'
import { createWebBrowser } from '../browse/web/door.js'
import type { Gate } from '../gate/gate.js'
import type { SnapshotBrowser } from './doors.js'

export interface BrowsingParts {
  readonly repositories: readonly RepositorySettings[]
  readonly gate: Gate
  readonly logger: Logger
  readonly clock: Clock
}

/** For each listener a door of its own, over the same caches. */
export function snapshotBrowser({
  repositories: settings,
  gate,
  logger,
  clock,
}: BrowsingParts): (isPrivate: boolean) => SnapshotBrowser {
  const repositories = new BrowsedRepositories({
    repositories: settings,
    filesOf: (repository) => gateFiles(gate, repository),
    monotonic: () => clock.monotonic(),
  })
  return (isPrivate) => ({
    takes: isBrowseUrl,
    handle: createWebBrowser({ repositories, logger, isPrivate }),
  })
}
