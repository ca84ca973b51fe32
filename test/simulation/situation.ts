/** Everything that the parts of one history share. */
import type { KeyedMutex } from '../../gateway/gate/keyed-mutex.js'
import type { Gateway } from './gateway.js'
import type { Judge } from './judge.js'
import type { Lines } from './line.js'
import type { Contents } from './model.js'
import type { ProcessPlan, Setup } from './plan.js'
import type { Disk } from './stores.js'
import type { Time } from './time.js'

export interface Situation {
  readonly seed: number
  readonly setup: Setup
  readonly time: Time
  readonly disk: Disk
  readonly judge: Judge
  readonly contents: Contents
  readonly gateway: Gateway
  /** One opening after another, so that it is known whose a new writer is. */
  readonly opening: { readonly run: <T>(act: () => Promise<T>) => Promise<T> }
  /** The connections of all processes. */
  readonly lines: Lines[]
  /** Requests so far. */
  steps: number
  /** A process was killed. */
  readonly ended: (plan: ProcessPlan) => void
}

export type Mutex = KeyedMutex
