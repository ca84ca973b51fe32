/** Knows what of a gateway is counted for a monitor, and that nothing of it is loaded where nobody asked for it. */
import { AssertionError } from 'node:assert'
import type { Logger } from 'pino'
import type { GatewaySettings } from '../../config/gateway-settings.js'
import { BackendError } from '../../fencing/ports.js'
import type { Recordings } from '../operate/admin/following.js'
import type { Metrics } from '../operate/metrics/metrics.js'
import type { Assembly } from './assembly.js'
import type { ServedParts } from './listener.js'

export class Monitoring {
  readonly #metrics: Metrics
  readonly #isOpen: boolean

  private constructor(metrics: Metrics, isOpen: boolean) {
    this.#metrics = metrics
    this.#isOpen = isOpen
  }

  /** Undefined where no figures are wanted. */
  static async begin(
    { prometheus, prometheusNoAuth: isOpen, quarantineMaxSize }: GatewaySettings,
    recordings: Recordings,
  ): Promise<Monitoring | undefined> {
    if (!prometheus) return undefined
    const { createMetrics } = await import('../operate/metrics/metrics.js')
    const metrics = createMetrics(quarantineMaxSize)
    recordings.subscribe(metrics.observe)
    return new Monitoring(metrics, isOpen)
  }

  get appended(): Metrics['appended'] {
    return this.#metrics.appended
  }

  get watchDecision(): Metrics['watchDecision'] {
    return this.#metrics.watchDecision
  }

  get served(): Pick<ServedParts, 'watch' | 'metrics'> {
    const { watchExchange: watch, handle } = this.#metrics
    return { watch, metrics: { handle, isOpen: this.#isOpen } }
  }

  attach({ fences, folder, state }: Assembly): void {
    const folders = { repositories: folder, state: state.folder }
    this.#metrics.attach({ fences: () => fences.loaded(), folders })
  }

  /** Reads what the journals said before this gateway began; resolves when it has, or the signal ends it. */
  async read(assembly: Assembly, logger: Logger, ending: AbortSignal): Promise<void> {
    try {
      await this.#metrics.read(assembly, ending)
    } catch (error) {
      if (error instanceof AssertionError || !(error instanceof BackendError)) throw error
      logger.warn({ err: error }, 'the times of earlier snapshots cannot be read for /metrics')
    }
  }
}
