/** Set-ups with runs that do not back up: readers, monitors, and `unlock` before a backup. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Machine, Scene } from '../scene.js'
import type { SetUp } from '../set-up.js'
import { idleRoundOf, UNDISTURBED } from './together.js'

const MONITOR_PAUSE_MS = 4000
const SCRIPT_PAUSE_MS = 10_000

/** Repeats it until the signal; what has begun is ended. */
const repeat = async (
  signal: AbortSignal,
  pauseMs: number,
  act: () => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    await act()
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

export const unlockAndBackUp = async (scene: Scene, machine: Machine): Promise<void> => {
  await scene.run(machine, 'unlock')
  await scene.backUp(machine)
}

const unlocking: SetUp = {
  name: 'unlock',
  what: '`unlock`, then `backup`, by one machine after the other, and all at once',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    const machines = scene.machines(3)
    for (let round = 0; round < rounds; round++) {
      for (const machine of machines) await unlockAndBackUp(scene, machine)
      await Promise.all(machines.map((machine) => unlockAndBackUp(scene, machine)))
    }
    return undefined
  },
}

const monitors: SetUp = {
  name: 'monitors',
  what: '3 backups that idle 130 s beside `snapshots --no-lock` each 4 s and a script of `unlock` and `backup`',
  limits: UNDISTURBED,
  play: async (scene) => {
    const [one, other, script, ...idlers] = scene.machines(6)
    if (one === undefined || other === undefined || script === undefined)
      throw new Error('no machines')
    const over = new AbortController()
    const { signal } = over
    const beside = [one, other].map((machine) =>
      repeat(signal, MONITOR_PAUSE_MS, async () => {
        await scene.run(machine, 'snapshots', '--no-lock')
      }),
    )
    const scripted = repeat(signal, SCRIPT_PAUSE_MS, () => unlockAndBackUp(scene, script))
    await idleRoundOf(scene, idlers).finally(() => over.abort())
    await Promise.all([...beside, scripted])
    return undefined
  },
}

const readFirst = async (
  scene: Scene,
  machine: Machine,
  { isAlone }: { isAlone: boolean },
): Promise<void> => {
  for (const command of ['snapshots', 'stats'] as const) await scene.run(machine, command)
  await scene.run(machine, 'ls', 'latest')
  await scene.run(machine, 'find', 'new')
  // It wants the repository for itself.
  if (isAlone) await scene.run(machine, 'check')
  const target = scene.world.path(machine.name, 'restored')
  await scene.run(machine, 'restore', 'latest', '--target', target)
  await scene.backUp(machine)
}

const readers: SetUp = {
  name: 'readers',
  what: 'snapshots, stats, ls, find, check and restore before a backup; alone, then 3 at once without check',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    await scene.backUp(scene.admin)
    const machines = scene.machines(3)
    for (let round = 0; round < rounds; round++) {
      for (const machine of machines) await readFirst(scene, machine, { isAlone: true })
      await Promise.all(machines.map((one) => readFirst(scene, one, { isAlone: false })))
    }
    return undefined
  },
}

export const reading: readonly SetUp[] = [unlocking, monitors, readers]
