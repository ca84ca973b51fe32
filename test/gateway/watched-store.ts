/** A store that fails where the test says so, and that counts what is open. */
import type { Readable } from 'node:stream'
import { BackendError, type BackendErrorCode, type ObjectStore } from '../../fencing/ports.js'

export type StoreCall = keyof ObjectStore

export class WatchedStore {
  /** Which fault a call meets, if any. */
  failing: (call: StoreCall, ...args: readonly unknown[]) => BackendErrorCode | undefined
  /** Bodies that are being received. */
  receiving = 0
  /** Objects that were opened and are not closed yet. */
  open = 0
  readonly store: ObjectStore

  constructor(inner: ObjectStore) {
    this.failing = () => undefined
    const failsAs = (call: StoreCall, args: readonly unknown[]): void => {
      const code = this.failing(call, ...args)
      if (code !== undefined) throw new BackendError(code, `${call} was made to fail`)
    }
    const watched = (call: StoreCall) => {
      const act = inner[call] as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]): Promise<unknown> => {
        failsAs(call, args)
        return act(...args)
      }
    }
    const calls = Object.keys(inner) as StoreCall[]
    const store = Object.fromEntries(calls.map((call) => [call, watched(call)]))
    this.store = {
      ...(store as unknown as ObjectStore),
      // The one call that answers at once.
      ...(inner.requireSpace === undefined ? {} : { requireSpace: inner.requireSpace }),
      stage: async (...args) => {
        failsAs('stage', args)
        this.receiving += 1
        try {
          return await inner.stage(...args)
        } finally {
          this.receiving -= 1
        }
      },
      open: async (...args) => {
        failsAs('open', args)
        const opened = await inner.open(...args)
        if (opened === undefined) return undefined
        this.open += 1
        const closed = (): void => {
          this.open -= 1
        }
        return {
          ...opened,
          read: (range) => this.#watch(opened.read(range), closed),
          close: async () => {
            closed()
            await opened.close()
          },
        }
      },
    }
  }

  #watch(bytes: Readable, closed: () => void): Readable {
    bytes.once('close', closed)
    return bytes
  }
}
