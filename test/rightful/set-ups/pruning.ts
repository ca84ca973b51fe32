/** Set-ups of `forget --prune` beside backups, as often as both would want the repository at the same time. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Machine, Scene } from '../scene.js'
import type { Limits, SetUp } from '../set-up.js'

const BACKUP_EVERY_MS = 4000
const PRUNE_EVERY_MS = 7000
const FORGET = [
  'forget',
  '--keep-last',
  '2',
  '--group-by',
  'host',
  '--max-unused',
  '0',
] as const

const BESIDE_A_PRUNE: Limits = { putOffMaxMs: 5000, failed: 'as-peer', living: 0 }

/** Does it at each multiple of the time, so that a slow server is not asked more seldom; one at a time. */
const every = async (
  periodMs: number,
  count: number,
  act: () => Promise<unknown>,
): Promise<void> => {
  const began = performance.now()
  for (let done = 0; done < count; done++) {
    await delay(Math.max(0, began + done * periodMs - performance.now()))
    await act()
  }
}

const backupsBesidePrunes = async (
  scene: Scene,
  machines: readonly Machine[],
  flags: readonly string[],
  rounds: number,
): Promise<void> => {
  for (const machine of machines) await scene.backUp(machine, ...flags)
  const pruning = every(PRUNE_EVERY_MS, 5 * rounds, () =>
    scene.run(scene.admin, ...FORGET, '--prune', ...flags),
  )
  const backing = machines.map((machine) =>
    every(BACKUP_EVERY_MS, 8 * rounds, () => scene.backUp(machine, ...flags)),
  )
  await Promise.all([pruning, ...backing])
}

const withoutWaiting: SetUp = {
  name: 'prune',
  what: '`forget --prune` beside backups of 3 machines',
  limits: BESIDE_A_PRUNE,
  play: async (scene, rounds) => {
    await backupsBesidePrunes(scene, scene.machines(3), [], rounds)
    return undefined
  },
}

const withWaiting: SetUp = {
  name: 'prune-retry-lock',
  what: 'the same with `--retry-lock 5m`, which 0.14 has not',
  limits: BESIDE_A_PRUNE,
  play: async (scene, rounds) => {
    const machines = scene.machines(6).filter(({ version }) => version !== '0.14')
    const [first, ...others] = machines
    if (first === undefined) throw new Error('no machine')
    await backupsBesidePrunes(
      scene,
      [first, ...others.slice(0, 2)],
      ['--retry-lock', '5m'],
      rounds,
    )
    return undefined
  },
}

export const pruning: readonly SetUp[] = [withoutWaiting, withWaiting]
