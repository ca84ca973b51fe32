/** A client's connections to the gateway: which one carries the next request, and how each ends. */
import type { Channel } from '../../fencing/evidence/presence.js'
import type { Gateway, Run } from './gateway.js'
import type { Time } from './time.js'

export interface Line {
  readonly channel: Channel
  readonly run: Run
  readonly owner: Lines
  /** The address that it comes from. */
  readonly peer: string
  isOpen: boolean
  /** Requests that wait for their answers on it. */
  waiting: number
  /** A request hangs on it, and what is sent later on the same connection comes later. */
  isStuck: boolean
  /** Something will look whether it has been idle for too long. */
  isWatched: boolean
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
  /** A stopped process closes nothing. */
  readonly isAwake: () => boolean
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

  /** All have closed: whoever was idle for long begins with a connection that the gateway has not heard of. */
  get isEmpty(): boolean {
    return this.#lines.length === 0
  }

  /** Undefined while the gateway is down. */
  async take(isFresh: boolean, peer: string): Promise<Line | undefined> {
    const { gateway, kind } = this.#options
    for (;;) {
      const { run } = gateway
      if (run === undefined) return undefined
      const usable = this.#lines.filter((line) => {
        const isFree = kind === 'http2' || line.waiting === 0
        return line.run === run && line.isOpen && isFree && !line.isStuck
      })
      // The most recently idle one is used again first.
      const line = usable.sort((one, other) => other.idleSince - one.idleSince)[0]
      if (line !== undefined && !isFresh) return busy(line)
      const open = this.#lines.filter((one) => one.isOpen && one.run === run)
      if (open.length < linesMax || kind === 'http2' || isFresh) {
        return busy(this.#open(run, peer))
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  release(line: Line): void {
    line.waiting -= 1
    line.idleSince = this.#options.time.now
    if (line.isOpen && !line.isWatched) this.#watch(line, clientIdleMs)
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

  /** As the gateway does with a deferral: of what comes from there, only known connections are left for the next try. */
  closeUnknown(run: Run, peer: string): void {
    if (this.#options.kind !== 'http1') return
    for (const line of [...this.#lines]) {
      const isNeighbour = line.run === run && line.peer === peer && line.waiting === 0
      if (isNeighbour && !run.gate.knows(line.channel.id)) this.close(line, false)
    }
  }

  /** A process that wakes finds what has been idle for too long, unless the gateway has closed it already. */
  closeIdle(): void {
    for (const line of [...this.#lines]) this.#lookAt(line)
  }

  /** Whoever waits for a free line looks again. */
  #resume(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  #watch(line: Line, ms: number): void {
    line.isWatched = true
    this.#options.time.after(ms, () => {
      line.isWatched = false
      this.#lookAt(line)
    })
  }

  #lookAt(line: Line): void {
    if (!line.isOpen || line.waiting > 0) return
    const { time, isAwake } = this.#options
    const idle = time.now - line.idleSince
    const idleMax = isAwake() ? clientIdleMs : gatewayIdleMs
    if (idle >= idleMax) this.close(line, idleMax === clientIdleMs)
    else if (!line.isWatched) this.#watch(line, idleMax - idle)
  }

  #open(run: Run, peer: string): Line {
    const { kind, name, time } = this.#options
    this.#count += 1
    const isHidden = kind === 'hidden'
    // A proxy's few connections carry everybody's requests.
    const id = isHidden ? `proxy-${this.#count % 2}` : `${name}-${this.#count}`
    const openedAt = run.monotonic()
    const isMultiplexed = kind === 'http2'
    // A living restic leaves it open: only its exit ends it early.
    const channel: Channel = { id, openedAt, isHidden, isMultiplexed, ...{ staysOpen: true } }
    const line: Line = {
      channel,
      run,
      owner: this,
      peer,
      isOpen: true,
      waiting: 0,
      isStuck: false,
      isWatched: false,
      hangUp: new AbortController(),
      idleSince: time.now,
    }
    this.#lines.push(line)
    return line
  }
}

function busy(line: Line): Line {
  line.waiting += 1
  return line
}
