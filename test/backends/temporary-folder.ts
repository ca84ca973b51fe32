/** Knows how a test gets a folder of its own, which is gone afterwards. */
import type { ExecutionContext } from 'ava'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const temporaryFolder = async (t: ExecutionContext): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-store-')))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
