/** The units for systemd that operators copy, as systemd itself reads them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clientPath, librariesOf, projectRoot } from './harness/clients.js'
import { testWith } from './harness/test-with.js'
import { expectSuccess, World } from './harness/world.js'

const exposureMax = 2

testWith('systemd-analyze')('the unit and its socket are sound, and hardened', async (t) => {
  const world = await World.open(t, { LD_LIBRARY_PATH: librariesOf('systemd-analyze') })
  const analyze = clientPath('systemd-analyze')
  const folder = world.path('units')
  await mkdir(folder)
  const copied = async (name: string): Promise<string> => {
    const text = await readFile(join(projectRoot, 'config', name), 'utf8')
    // It has to be there.
    await writeFile(join(folder, name), text.replace('/usr/bin/lockkeeper', process.execPath))
    return join(folder, name)
  }
  const service = await copied('lockkeeper.service')
  const socket = await copied('lockkeeper.socket')
  const verified = await expectSuccess(world.command([analyze, 'verify', service, socket]))
  const said = (verified.stdout + verified.stderr).split('\n')
  t.deepEqual(
    said.filter((line) => line.includes('lockkeeper.')),
    [],
  )

  const security = [analyze, 'security', '--offline=true', '--no-pager', service] as const
  const { stdout } = await expectSuccess(world.command(security))
  const exposure = Number(/Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1])
  t.true(exposure <= exposureMax, stdout)
})
