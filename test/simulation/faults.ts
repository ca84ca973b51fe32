/** Knows what befalls the calls of one run of the gateway to its stores: delay, fault, lost reply, death. */
import { BackendError, type BackendErrorCode } from '../../fencing/ports.js'
import type { Time } from './time.js'

/** Counted over all runs of the gateway: with this call and the `calls - 1` after it the stores are ill. */
export interface Illness {
  readonly atCall: number
  readonly calls: number
  /** `error`: nothing was done. `lost`: it was done, and the answer is an error. `slow`: it takes `ms`. */
  readonly kind: 'error' | 'lost' | 'full' | 'slow'
  readonly ms: number
}

/** The gateway dies at this call: before it does anything, or with it done. */
export interface Death {
  readonly atCall: number
  readonly isDone: boolean
  readonly downMs: number
}

export interface Troubles {
  readonly illnesses: readonly Illness[]
  readonly deaths: readonly Death[]
}

export type Act<T> = () => T

/** Shared by all runs of the gateway in one history. */
export class Calls {
  count = 0
  /** Nothing more befalls the stores: the history is being brought to its end. */
  isOver = false
  readonly troubles: Troubles
  readonly reached: Set<string>

  constructor(troubles: Troubles, reached: Set<string>) {
    this.troubles = troubles
    this.reached = reached
  }
}

/** The stores as one run of the gateway calls them. */
export class Faults {
  isDead = false
  readonly #calls: Calls
  readonly #time: Time
  readonly #die: (death: Death) => void

  constructor(calls: Calls, time: Time, die: (death: Death) => void) {
    this.#calls = calls
    this.#time = time
    this.#die = die
  }

  /** A dead gateway's call never returns and does nothing. */
  async call<T>(isWrite: boolean, act: Act<T>): Promise<T> {
    if (this.isDead) return never()
    const calls = this.#calls
    calls.count += 1
    if (calls.isOver) return act()
    const death = calls.troubles.deaths.find(({ atCall }) => atCall === calls.count)
    if (death !== undefined) {
      if (death.isDone) act()
      this.isDead = true
      this.#die(death)
      return never()
    }
    const illness = calls.troubles.illnesses.find(({ atCall, calls: length }) => {
      return atCall <= calls.count && calls.count < atCall + length
    })
    return illness === undefined ? act() : this.#suffer(illness, isWrite, act)
  }

  async #suffer<T>(illness: Illness, isWrite: boolean, act: Act<T>): Promise<T> {
    this.#calls.reached.add(`store: ${illness.kind}`)
    switch (illness.kind) {
      case 'slow':
        await this.#time.pause(illness.ms)
        return this.isDead ? never() : act()
      case 'error':
        throw fault('unavailable')
      case 'lost':
        act()
        throw fault('unavailable')
      case 'full':
        if (isWrite) throw fault('no-space')
        return act()
    }
  }
}

function fault(code: BackendErrorCode): BackendError {
  return new BackendError(code, `simulated: ${code}`)
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
