/** Knows what happens to clients, lines and the gateway during a soak. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Draw } from '../fuzz/http-input.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'
import type { Service } from '../end-to-end/harness/service.js'
import type { SoakClient } from './client.js'
import type { Tally } from './tally.js'

export interface ChaosOptions {
  readonly gateway: Service
  readonly clients: readonly SoakClient[]
  readonly lines: readonly Forwarder[]
  readonly draw: Draw
  readonly tally: Tally
  /** Gateways that are killed take a while to start; on a busy machine nothing else would happen. */
  readonly gatewayLifeMs: number
}

/** Goes on until the signal; resolves when the gateway runs, every line is open and every client is awake. */
export const disturb = async (options: ChaosOptions, ending: AbortSignal): Promise<void> => {
  await Promise.all([
    ...options.clients.map((client) => disturbClient(client, options, ending)),
    ...options.lines.map((line) => disturbLine(line, options, ending)),
    disturbGateway(options, ending),
  ])
}

const pause = async (ms: number, ending: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal: ending }).catch(() => undefined)
}

const disturbClient = async (
  client: SoakClient,
  { draw, tally }: ChaosOptions,
  ending: AbortSignal,
): Promise<void> => {
  for (;;) {
    await pause(500 + draw(6_000), ending)
    if (ending.aborted) break
    // Mostly a moment; now and then long enough for the others to prune.
    const ms = draw(4) === 0 ? 5_000 + draw(25_000) : draw(3_000)
    if (draw(12) === 0) {
      client.killRunning()
      tally.disturb('clients killed')
    } else await Promise.race([client.sleep(ms), pause(ms, ending)])
  }
  client.wake()
}

const disturbLine = async (
  line: Forwarder,
  { draw, tally }: ChaosOptions,
  ending: AbortSignal,
): Promise<void> => {
  for (;;) {
    await pause(3_000 + draw(15_000), ending)
    if (ending.aborted) break
    tally.disturb('lines cut')
    if (draw(3) > 0) line.cut(draw(2) === 0 ? 'rst' : 'fin')
    else {
      line.refuse()
      line.cut()
      await pause(draw(4_000), ending)
      await line.accept()
    }
  }
}

const disturbGateway = async (
  { gateway, draw, tally, gatewayLifeMs }: ChaosOptions,
  ending: AbortSignal,
): Promise<void> => {
  for (;;) {
    await pause(gatewayLifeMs / 2 + draw(gatewayLifeMs), ending)
    if (ending.aborted) break
    if (draw(4) === 0) {
      tally.disturb('gateway stopped and started')
      await gateway.stop()
    } else {
      tally.disturb('gateway killed and started')
      await gateway.kill()
    }
    await gateway.start()
  }
}
