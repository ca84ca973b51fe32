/** Knows what the process that mounts and the one that started it tell each other. */
import type { GatewayAddress } from './gateway-address.js'

/** All that the helper is told, once, as its first message. */
export interface MountOrder {
  readonly folder: string
  readonly address: GatewayAddress
  readonly basis: readonly string[]
  readonly as?: string
  readonly isReadOnly: boolean
  readonly allowOther: boolean
  /** A folder on the file system where the repositories lie, if that is on this machine. */
  readonly spaceOf?: string
  /** The folder of the repositories, on this machine, where ordinary files may lie beside them. */
  readonly plainRoot?: string
  /** Processes whose calls would wait for themselves. */
  readonly refusedPids: readonly number[]
}

/** It may mount now. */
export const go = 'go'

export type HelperMessage =
  /** All is loaded; it waits for the way to be made clear. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'mounted' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** What the kernel has no way to hand on to the caller. */
  | { readonly kind: 'refused'; readonly object: string; readonly sentence: string }
  | { readonly kind: 'fault'; readonly call: string; readonly message: string }
