/** The facts of docs/RESTIC.md that the core leans on most, with the real programs, so that a newer restic is noticed. */
import { ALL_RESTIC_VERSIONS } from '../end-to-end/harness/clients.js'
import { testWith } from '../end-to-end/harness/test-with.js'
import { World } from '../end-to-end/harness/world.js'
import { Asking } from './asking.js'
import { commands } from './commands.js'
import { traceOf } from './trace.js'

const OPENING = 'head config, list keys, get keys, get config'
const LOCKING = 'list locks, post locks, list locks'
const BESIDE = 'list locks, get locks, post locks, list locks, get locks'

const expected: Readonly<Record<string, string>> = {
  snapshots: `${OPENING}, ${LOCKING}, list snapshots, delete locks`,
  backup: `${OPENING}, ${LOCKING}, list snapshots, list index, post data x2, post index, post snapshots, delete locks`,
  'backup beside a dead lock': `${OPENING}, ${BESIDE}, list snapshots, list index, post snapshots, delete locks`,
  'prune --dry-run': `${OPENING}, ${LOCKING}, list index, list snapshots, list data, delete locks`,
  'cat config': `${OPENING}, ${LOCKING}, delete locks`,
  unlock: `${OPENING}, list locks, get locks, delete locks`,
  'unlock --remove-all': `${OPENING}, list locks, delete locks`,
}

for (const version of ALL_RESTIC_VERSIONS)
  testWith(`restic-${version}`, 'rest-server')(
    `restic ${version} opens, locks, looks and unlocks in the order that the core leans on`,
    async (t) => {
      const world = await World.open(t)
      const asking = await Asking.open(world, version)
      const found: Record<string, string> = {}
      for (const command of commands)
        if (command.name in expected)
          found[command.name] = traceOf((await asking.ask(command)).line.exchanges)
      t.deepEqual(found, expected)
    },
  )
