/** Set-ups of clients that work at the same time, nobody asleep or dead. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Machine, Scene } from '../scene.js'
import type { Limits, SetUp } from '../set-up.js'
import { IDLE_MS } from './idle-time.js'

export const UNDISTURBED: Limits = { heard: 0, failed: 'none', living: 0 }

/** Each machine backs up once, all at the same time. */
export const roundOf = async (scene: Scene, machines: readonly Machine[]): Promise<void> => {
  await Promise.all(machines.map((machine) => scene.backUp(machine)))
}

export const idleRoundOf = async (
  scene: Scene,
  machines: readonly Machine[],
): Promise<void> => {
  await Promise.all(machines.map((machine) => scene.idle(machine, IDLE_MS)))
}

const LONG_MS = 40_000

const short: SetUp = {
  name: 'six-short',
  what: '6 short backups at once, in rounds',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    for (let round = 0; round < 2 + rounds; round++) await roundOf(scene, scene.machines(6))
    return undefined
  },
}

const long: SetUp = {
  name: 'six-long',
  what: '6 backups of 40 s at once',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    for (let round = 0; round < rounds; round++)
      await Promise.all(scene.machines(6).map((machine) => scene.idle(machine, LONG_MS)))
    return undefined
  },
}

const idle: SetUp = {
  name: 'idle',
  what: '3, then 6 backups at once that idle 130 s in the middle',
  limits: UNDISTURBED,
  play: async (scene, rounds) => {
    for (let round = 0; round < rounds; round++)
      for (const count of [3, 6]) await idleRoundOf(scene, scene.machines(count))
    return undefined
  },
}

/** Long enough for a refresh of the holders' locks. */
const HOLDING_MS = 320_000
const PAUSE_MS = 25_000

const foreignLocks: SetUp = {
  name: 'foreign-locks',
  what: '3 short backups at once, again and again, beside two that idle past the refresh of their locks',
  limits: UNDISTURBED,
  play: async (scene) => {
    const [first, second, ...others] = scene.machines(5)
    if (first === undefined || second === undefined) throw new Error('no machines')
    const holders = await Promise.all([scene.hold(first), scene.hold(second)])
    const end = performance.now() + HOLDING_MS
    while (performance.now() < end) {
      await roundOf(scene, others)
      await delay(PAUSE_MS)
    }
    await Promise.all(holders.map(({ finish }) => finish()))
    return undefined
  },
}

export const together: readonly SetUp[] = [short, long, idle, foreignLocks]
