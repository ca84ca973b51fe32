/** A set-up in which the server stops, or is killed, and starts again in the middle of backups. */
import type { Machine, Scene } from '../scene.js'
import type { SetUp } from '../set-up.js'
import { roundOf, UNDISTURBED } from './together.js'

export const restartIn = async (
  scene: Scene,
  machines: readonly Machine[],
  how: 'stop' | 'kill',
): Promise<void> => {
  const held = await Promise.all(machines.map((machine) => scene.hold(machine)))
  await scene.server[how]()
  await scene.server.start()
  await Promise.all(held.map(({ finish }) => finish()))
}

const restart: SetUp = {
  name: 'restart',
  what: 'the server is stopped, then killed, and starts again in the middle of 6 backups; 6 short ones after each',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    for (let round = 0; round < rounds; round++)
      for (const how of ['stop', 'kill'] as const) {
        await restartIn(scene, scene.machines(6), how)
        await roundOf(scene, scene.machines(6))
      }
    return undefined
  },
}

export const restarting: readonly SetUp[] = [restart]
