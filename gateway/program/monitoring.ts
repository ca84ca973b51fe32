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
  /** Where the listeners of clients hand them out too; `isOpen` to whoever reaches these. */
  readonly #door: { readonly isOpen: boolean } | undefined

  private constructor(metrics: Metrics, door: { readonly isOpen: boolean } | undefined) {
    this.#metrics = metrics
    this.#door = door
  }

  /** Undefined where nobody could ask for figures. */
  static async begin(
    { prometheus, prometheusNoAuth: isOpen, quarantineMaxSize, admin }: GatewaySettings,
    recordings: Recordings,
  ): Promise<Monitoring | undefined> {
    if (!prometheus && admin.places.length === 0) return undefined
    const { createMetrics } = await import('../operate/metrics/metrics.js')
    const metrics = createMetrics(quarantineMaxSize)
    recordings.subscribe(metrics.observe)
    return new Monitoring(metrics, prometheus ? { isOpen } : undefined)
  }

  get appended(): Metrics['appended'] {
    return this.#metrics.appended
  }

  get watchDecision(): Metrics['watchDecision'] {
    return this.#metrics.watchDecision
  }

  get served(): Pick<ServedParts, 'watch' | 'metrics'> {
    const { watchExchange: watch, handle } = this.#metrics
    return this.#door === undefined ? { watch } : { watch, metrics: { handle, ...this.#door } }
  }

  get scrape(): Metrics['scrape'] {
    return this.#metrics.scrape
  }

  attach({ fences, folder, state }: Assembly): void {
    const folders = { repositories: folder, state: state.folder }
    this.#metrics.attach({ fences: () => fences.loaded(), folders })
  }

  /** Takes over what was recorded before this gateway began; to be called when the journals are loaded. */
  async read({ search }: Assembly, logger: Logger, ending: AbortSignal): Promise<void> {
    try {
      await this.#metrics.read(search)
    } catch (error) {
      if (ending.aborted) return
      if (error instanceof AssertionError || !(error instanceof BackendError)) throw error
      logger.warn({ err: error }, 'the times of earlier snapshots cannot be read for /metrics')
    }
  }
}
