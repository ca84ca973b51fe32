/** A client's connections to the gateway: which one carries the next request, and how each ends. */
import type { Channel } from '../../fencing/evidence/presence.js'
import type { Gateway, Run } from './gateway.js'
import type { Time } from './time.js'

export interface Line {
  readonly channel: Channel
  readonly run: Run
  isOpen: boolean
  isBusy: boolean
  /** A request hangs on it, and what is sent later on the same connection comes later. */
  isStuck: boolean
  /** The gateway hears that nobody waits on it for an answer any more. */
  readonly hangUp: AbortController
  idleSince: number
}

/** Go's HTTP client closes idle connections after this long; the gateway itself after the second. */
const clientIdleMs = 90_000
const gatewayIdleMs = 120_000

export interface LinesOptions {
  readonly gateway: Gateway
  readonly time: Time
  readonly name: string
  /** All requests of a process on one connection, or one each, or on connections of a proxy. */
  readonly kind: 'http1' | 'http2' | 'hidden'
}

const linesMax = 5

export class Lines {
  readonly #options: LinesOptions
  #lines: Line[] = []
  #count = 0
  #waiting: (() => void)[] = []

  constructor(options: LinesOptions) {
    this.#options = options
  }

  /** Undefined while the gateway is down. */
  async take(isFresh: boolean): Promise<Line | undefined> {
    const { gateway, kind } = this.#options
    for (;;) {
      const { run } = gateway
      if (run === undefined) return undefined
      this.#closeIdle()
      const usable = this.#lines.filter((line) => {
        const isFree = kind === 'http2' || !line.isBusy
        return line.run === run && line.isOpen && isFree && !line.isStuck
      })
      // The most recently idle one is used again first.
      const line = usable.sort((one, other) => other.idleSince - one.idleSince)[0]
      if (line !== undefined && !isFresh) return busy(line)
      const open = this.#lines.filter((one) => one.isOpen && one.run === run)
      if (open.length < linesMax || kind === 'http2' || isFresh) return busy(this.#open(run))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  release(line: Line): void {
    line.isBusy = false
    line.idleSince = this.#options.time.now
    this.#resume()
  }

  close(line: Line, byClient: boolean): void {
    if (!line.isOpen) return
    line.isOpen = false
    this.#lines = this.#lines.filter((one) => one !== line)
    const isTold = line.run === this.#options.gateway.run && this.#options.kind !== 'hidden'
    if (isTold) line.run.gate.closed(line.channel.id, byClient)
    this.#resume()
  }

  closeAll(byClient: boolean): void {
    for (const line of [...this.#lines]) this.close(line, byClient)
    this.#resume()
  }

  /** Whoever waits for a free line looks again. */
  #resume(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** A process that sleeps closes nothing: the gateway does, a little later. */
  closeIdleAsleep(): void {
    this.#closeIdle(false)
  }

  #closeIdle(isAwake = true): void {
    const { time } = this.#options
    for (const line of [...this.#lines]) {
      const idle = time.now - line.idleSince
      if (line.isBusy) continue
      if (isAwake && idle >= clientIdleMs) this.close(line, true)
      else if (idle >= gatewayIdleMs) this.close(line, false)
    }
  }

  #open(run: Run): Line {
    const { kind, name, time } = this.#options
    this.#count += 1
    const isHidden = kind === 'hidden'
    // A proxy's few connections carry everybody's requests.
    const id = isHidden ? `proxy-${this.#count % 2}` : `${name}-${this.#count}`
    const openedAt = run.monotonic()
    const isMultiplexed = kind === 'http2'
    const channel: Channel = { id, openedAt, isHidden, isMultiplexed }
    const line: Line = {
      channel,
      run,
      isOpen: true,
      isBusy: true,
      isStuck: false,
      hangUp: new AbortController(),
      idleSince: time.now,
    }
    this.#lines.push(line)
    return line
  }
}

function busy(line: Line): Line {
  line.isBusy = true
  return line
}
