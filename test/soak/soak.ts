/** Knows a soak from its beginning to its verdict: real clients, disturbed for a while, and nothing may be lost. */
import { setMaxListeners } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { drawFrom } from '../fuzz/http-input.js'
import { journalOf } from '../end-to-end/harness/facts.js'
import { soundness, type Saved } from '../end-to-end/harness/soundness.js'
import type { World } from '../end-to-end/harness/world.js'
import { disturb } from './chaos.js'
import { SoakClient } from './client.js'
import type { SoakSettings } from './settings.js'
import { Tally } from './tally.js'

export interface SoakReport {
  readonly seed: number
  readonly clients: number
  readonly seconds: number
  readonly acts: Readonly<Record<string, number>>
  readonly disturbances: Readonly<Record<string, number>>
  /** How often each kind of record stands in the journal; refusals by reason. */
  readonly journal: Readonly<Record<string, number>>
  readonly restored: number
  /** Failures that no refusal explains, in the clients' own words. */
  readonly stories: readonly string[]
  /** Empty unless the gateway broke its promise. */
  readonly problems: readonly string[]
}

/** Clients that still run when the soak ends are given so long, as restic tries again for minutes. */
const graceMaxMs = 45_000

export const soak = async (world: World, settings: SoakSettings): Promise<SoakReport> => {
  const began = performance.now()
  const tally = new Tally()
  const folder = await world.repository('0.18')
  const gateway = await world.gateway({ args: ['--log-level', 'warn'] })
  const lines = await Promise.all(
    Array.from({ length: settings.clients }, () => world.forwarder(gateway)),
  )
  // Two clients share an address; the others have one each.
  lines.forEach((line, index) => (line.outgoing = `127.0.0.${index < 2 ? 1 : index}`))
  const draw = (place: number) => drawFrom(settings.seed * 1000 + place)
  const clients = lines.map(
    (line, index) => new SoakClient({ world, line, index, draw: draw(index), tally }),
  )
  const durationMs = settings.minutes * 60_000
  const gatewayLifeMs = Math.min(45_000, durationMs / 2)
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)
  const living = clients.map((client) => client.live(ending.signal))
  const chaos = disturb(
    { gateway, clients, lines, draw: draw(999), tally, gatewayLifeMs },
    ending.signal,
  )
  try {
    await Promise.race([delay(durationMs), chaos, ...living])
  } finally {
    ending.abort()
  }
  await chaos
  await Promise.race([Promise.all(living), delay(Math.min(graceMaxMs, durationMs))])
  for (const client of clients) client.killRunning()
  await Promise.all(living)
  await gateway.stop()

  const names = await readdir(join(folder, 'snapshots'))
  const isThere = ({ snapshot }: Saved): boolean =>
    names.some((name) => name.startsWith(snapshot))
  const saved = clients.flatMap((client) => [
    ...client.saved,
    ...client.forgotten.filter(isThere),
  ])
  const verified = await world.lockkeeper('journal', 'verify')
  const problems = [
    ...(verified.code === 0 ? [] : [`journal verify: ${verified.stdout}${verified.stderr}`]),
    ...(await soundness(world, folder, saved)),
  ]
  return {
    seed: settings.seed,
    clients: settings.clients,
    seconds: Math.round((performance.now() - began) / 1000),
    acts: tally.acts,
    disturbances: tally.disturbances,
    journal: countKinds(await journalOf(world)),
    restored: saved.length,
    stories: tally.stories,
    problems,
  }
}

const countKinds = (
  records: readonly Readonly<Record<string, unknown>>[],
): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { kind, reason, verb } of records) {
    const detail = kind === 'refused' ? ` ${String(verb)} ${String(reason)}` : ''
    const name = `${String(kind)}${detail}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
