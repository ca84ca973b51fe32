/** Knows all listeners of a gateway over one gate: they begin together or not at all, and end together. */
import type { Logger } from 'pino'
import type { ListenerSettings } from '../../config/listener-settings.js'
import { eachPlace, Listener, type OpenListener, type ServedParts } from './listener.js'

/** How often files are looked at that may be replaced. */
const lookAgainMs = 10_000

export class Listeners {
  readonly #listeners: readonly Listener[]
  #looking: NodeJS.Timeout | undefined

  private constructor(listeners: readonly Listener[]) {
    this.#listeners = listeners
  }

  /** Reads what they need, and listens to nobody yet. Throws a StartError. */
  static async prepare(
    settings: readonly ListenerSettings[],
    logger: Logger,
  ): Promise<Listeners> {
    const each = (await eachPlace(settings)).map((one) => Listener.prepare(one, logger))
    return new Listeners(await Promise.all(each))
  }

  /** Throws the first StartError; those that listened already stop at once. */
  async open(parts: ServedParts): Promise<OpenListener[]> {
    const open: OpenListener[] = []
    try {
      for (const listener of this.#listeners) open.push(await listener.open(parts))
    } catch (error) {
      await this.close(0)
      throw error
    }
    this.#looking = setInterval(() => void this.reload(), lookAgainMs).unref()
    return open
  }

  async reload(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.reload()))
  }

  async close(graceMs: number): Promise<void> {
    clearInterval(this.#looking)
    await Promise.all(this.#listeners.map((listener) => listener.close(graceMs)))
  }
}
