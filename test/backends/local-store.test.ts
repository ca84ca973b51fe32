/** The object store on a local disk keeps the contract of every store. */
import test, { type ExecutionContext } from 'ava'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../../backends/local/local-store.js'
import { behaviours, conforms } from '../conformance/object-store.js'

const temporaryFolder = async (t: ExecutionContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-store-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

for (const behaviour of Object.keys(behaviours)) {
  test(
    'local',
    conforms,
    async (t) => openLocalStore({ root: await temporaryFolder(t) }),
    behaviour,
  )
}
