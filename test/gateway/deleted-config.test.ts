/** A config or a key that is deleted is kept, and a repository without a config is a finding. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { World } from '../end-to-end/harness/world.js'
import { objectOf, RestWriter } from './rest-writer.js'

test.serial('a deleted config and a deleted key are kept, and told of', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  const writer = new RestWriter(gateway.port, 'repo', 'writer')
  await writer.init()
  await writer.begin()
  const key = objectOf('keys', 'a key')
  t.is(await writer.post(key), 200)
  const other = new RestWriter(gateway.port, 'repo', 'other')
  await other.begin()
  const lacksConfig = async (command: string): Promise<boolean> => {
    const told = await world.lockkeeper(command, '--path', world.repositories)
    return /HAS NO CONFIG.*gone-config/.test(told.stdout)
  }
  t.false(await lacksConfig('status'))

  t.is(await other.delete(key), 200)
  t.is(await other.delete({ name: 'config', bytes: Buffer.alloc(0) }), 200)
  const quarantine = join(world.repositories, '.lockkeeper', 'quarantine')
  const kept = (await readdir(quarantine)).sort()
  t.is(kept.length, 2)
  t.regex(kept[0] ?? '', /\.?gone-config$/)
  t.regex(kept[1] ?? '', /gone-keys-[0-9a-f]{64}$/)
  const bytes = await readFile(join(quarantine, kept[0] ?? ''))
  t.is(bytes.toString(), 'a config')
  for (const command of ['status', 'doctor']) t.true(await lacksConfig(command), command)
  await writeFile(join(world.repositories, 'repo', 'config'), bytes)
  t.false(await lacksConfig('status'))
})
